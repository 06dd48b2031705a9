"use strict";
// Draws the data that stands in the page. Atoms are what can be shown at most: nodes, or stacks of
// nodes that the page doesn't hold one by one. Groups nest; a closed group is one stack per row.
(() => {
const data = JSON.parse(document.getElementById("data").textContent);
const {atoms, groups, links, profiles, tiers} = data;
const $ = id => document.getElementById(id);
const view = $("view"), NS = "http://www.w3.org/2000/svg";
const CHAR = 6.6, ROW = 132, WIDEST = 110, MOST_TURNED = 1500;
let edges = new Map();
let items = [], itemOf = new Map(), drawnLinks = [], selected = null, sought = null;
let scale = 1, panX = 0, panY = 0, extent = [0, 0, 1, 1];
const open = groups.map(g => g.level < data.open);

function make(tag, attributes, parent) {
  const element = document.createElementNS(NS, tag);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (parent) parent.append(element);
  return element;
}
const world = make("g", {}, view);
const [panelLayer, linkLayer, itemLayer] = [0, 1, 2].map(() => make("g", {}, world));
const elements = new Map();

function pathOf(group) {
  const path = [];
  for (let g = group; g >= 0; g = groups[g].parent) path.unshift(g);
  return path;
}
const paths = groups.map((_, g) => pathOf(g));
const pathOfAtom = atom => atom.group < 0 ? [] : paths[atom.group];

// What is seen now: every atom whose groups are all open, and a stack per row of each closed group.
function collect() {
  const found = new Map();
  atoms.forEach((atom, at) => {
    const path = pathOfAtom(atom), closed = path.findIndex(g => !open[g]);
    const key = closed < 0 ? "a" + at : `g${path[closed]}:${atom.row}`;
    let item = found.get(key);
    if (!item) {
      item = {key, atoms: [], count: 0, row: atom.row, atom, order: at,
              group: closed < 0 ? -1 : path[closed], path: closed < 0 ? path : path.slice(0, closed)};
      found.set(key, item);
    }
    item.atoms.push(at);
    item.count += atom.count;
    itemOf.set(at, item);
  });
  items = [...found.values()];
  const joined = new Map();
  for (const [a, b, count, profile, pa, pb] of links) {
    const one = itemOf.get(a), two = itemOf.get(b);
    if (one === two) continue;
    const [u, v] = one.order < two.order ? [one, two] : [two, one];
    const key = u.key + "|" + v.key, link = joined.get(key);
    if (link) { link.count += count; link.profiles.add(profile); link.single = null; }
    else joined.set(key, {u, v, count, profiles: new Set([profile]), single: count === 1 ? [a, b, pa, pb] : null});
  }
  drawnLinks = [...joined.values()];
}

// Places at least `gap` apart in this order, nearest to what is wanted: pool adjacent violators.
function spread(wanted, gap) {
  const blocks = [];
  wanted.forEach((value, at) => {
    blocks.push([value - at * gap, 1]);
    while (blocks.length > 1 && blocks.at(-2)[0] > blocks.at(-1)[0]) {
      const [mean, size] = blocks.pop(), last = blocks.at(-1);
      last[0] = (last[0] * last[1] + mean * size) / (last[1] + size);
      last[1] += size;
    }
  });
  return blocks.flatMap(([mean, size]) => Array(size).fill(mean)).map((value, at) => value + at * gap);
}

// The outermost group of an item that a panel is drawn behind; -1 without one.
const panelOf = item => item.path[0] ?? item.group;

// Left and right edge of each panel, by the lowest row: neighbours share what is between them.
function panelEdges(lowest, unit) {
  const found = new Map(), ends = [];
  lowest.forEach((item, at) => {
    if (at && panelOf(lowest[at - 1]) === panelOf(item)) ends.at(-1)[2] = item.x;
    else ends.push([panelOf(item), item.x, item.x]);
  });
  if (ends.length < 2 || new Set(ends.map(e => e[0])).size < ends.length || ends.some(e => e[0] < 0)) return found;
  const out = Math.max(4, Math.min(unit * 0.75, 77)), free = (a, b) => Math.min((b[1] - a[2]) / 2 - 4, 77);
  ends.forEach((e, i) => found.set(e[0], [e[1] - (i ? free(ends[i - 1], e) : out), e[2] + (i + 1 < ends.length ? free(e, ends[i + 1]) : out)]));
  return found;
}
function squeezed(places, low, high) {
  if (places.length < 2 || (places[0] >= low && places.at(-1) <= high)) return places;
  const start = Math.min(places[0], low), end = Math.max(places.at(-1), high);
  return places.map(x => low + (x - start) * (high - low) / (end - start));
}
// Places a row between the edges of its panels; false where one of its items has none.
function placedInside(mine, gap) {
  if (!edges.size || mine.some(item => !edges.has(panelOf(item)))) return false;
  let least = 2 * WIDEST;
  for (const [group, [low, high]] of edges) {
    const some = mine.filter(item => panelOf(item) === group), room = (high - low) / some.length, step = Math.min(gap, room);
    if (!some.length) continue;
    squeezed(spread(some.map(i => i.x), step), low + step / 2, high - step / 2)
      .forEach((x, i) => { some[i].x = Math.max(low + step / 2, Math.min(high - step / 2, x)); });
    least = Math.min(least, room, 2 * (some[0].x - low), 2 * (high - some.at(-1).x));
  }
  mine.slice(1).forEach((item, i) => { least = Math.min(least, item.x - mine[i].x); });
  mine.forEach(item => { item.room = least; });
  return true;
}

function arrange() {
  edges = new Map();
  if (!data.layered) {
    for (const item of items) {
      item.x = item.atoms.reduce((sum, at) => sum + atoms[at].x, 0) / item.atoms.length;
      item.y = item.atoms.reduce((sum, at) => sum + atoms[at].y, 0) / item.atoms.length;
      if (item.group >= 0 && item.atoms.length > 1 && item.row && groups[item.group].mixed) item.y += 34;
      item.room = data.room;
    }
    return;
  }
  const rows = Array.from({length: data.rows}, () => []);
  items.forEach(item => rows[item.row].push(item));
  const lowest = rows.findLastIndex(row => row.length);
  const outer = new Set(rows[lowest].map(i => i.path[0] ?? i.key)).size;
  let at = 0;
  const steps = rows[lowest].map((item, i) => {
    const before = rows[lowest][i - 1];
    if (before) {
      at += 1;
      if (before.path.at(-1) !== item.path.at(-1)) at += 0.7;
      if ((before.path[0] ?? -1) !== (item.path[0] ?? -1) && item.path.length > 1) at += 0.16 * rows[lowest].length / outer;
    }
    return at;
  });
  const crowd = Math.max(...rows.slice(1).map(r => r.length), 1);
  const width = Math.max(1088, steps.at(-1) * 11, Math.min(crowd * 26, 12000));
  const stacked = rows[lowest].some(i => i.count > 1);
  const unit = Math.min(width / (steps.at(-1) + 1), stacked ? 2 * WIDEST : WIDEST);
  rows[lowest].forEach((item, i) => { item.x = (steps[i] - steps.at(-1) / 2) * unit + width / 2; item.room = unit; });
  edges = panelEdges(rows[lowest], unit);
  const room = Math.min(width, Math.max((steps.at(-1) + 1) * unit, Math.max(...rows.map(r => r.length)) * WIDEST));
  const below = new Map();
  for (const {u, v} of drawnLinks) {
    const [up, low] = u.row < v.row ? [u, v] : [v, u];
    if (up.row !== low.row) (below.get(up) ?? below.set(up, []).get(up)).push(low);
  }
  for (let row = lowest - 1; row >= 0; row--) {
    const mine = rows[row];
    if (!mine.length) continue;
    for (const item of mine) {
      const under = below.get(item) ?? [];
      item.x = under.length ? under.reduce((sum, i) => sum + i.x, 0) / under.length : width / 2;
    }
    if (row === 0) mine.sort((a, b) => a.x - b.x || a.order - b.order);
    const gap = Math.min(0.86 * room / mine.length, row === 0 ? 190 : 84);
    if (placedInside(mine, gap)) continue;
    const places = squeezed(spread(mine.map(i => i.x), gap), (width - room + gap) / 2, (width + room - gap) / 2);
    mine.forEach((item, i) => { item.x = places[i]; });
    const least = Math.min(...places.slice(1).map((x, i) => x - places[i]), 2 * WIDEST);
    mine.forEach(item => { item.room = least; });
  }
  const drop = Math.max(ROW, Math.min(width / 9, 320));
  for (const item of items) item.y = item.row * drop;
}

const number = n => n.toLocaleString("en");
const tierOf = item => tiers[item.atom.tier];
const isHost = item => item.atom.kind === "host";
function title(item) {
  if (item.group < 0 && item.count === 1) return item.atom.name;
  return `${number(item.count)} × ${tierOf(item).word}`;
}
function span(item) {
  const first = atoms[item.atoms[0]], last = atoms[item.atoms.at(-1)];
  return item.count === 1 ? first.name : `${first.name} … ${last.last ?? last.name}`;
}

function draw() {
  collect();
  arrange();
  const longest = {};
  for (const item of items) if (item.count === 1) {
    const key = item.row + item.atom.kind;
    longest[key] = Math.max(longest[key] ?? 0, item.atom.name.length);
  }
  const seen = new Set();
  for (const item of items) {
    seen.add(item.key);
    let element = elements.get(item.key);
    if (!element) {
      element = make("g", {class: "item", tabindex: "-1"}, itemLayer);
      element.dataset.key = item.key;
      const from = item.path.length || item.group >= 0 ? elements.get(`from`) : null;
      if (from) element.style.transform = from;
      elements.set(item.key, element);
    }
    element.item = item;
    const mark = `${item.count}|${Math.round(item.room)}`;
    if (element.mark !== mark) { element.replaceChildren(); element.below = 0; shape(element, item, longest[item.row + item.atom.kind]); element.mark = mark; }
    requestAnimationFrame(() => { element.style.transform = `translate(${item.x}px,${item.y}px)`; });
    if (!element.style.transform) element.style.transform = `translate(${item.x}px,${item.y}px)`;
  }
  for (const [key, element] of elements) if (!seen.has(key)) { element.remove(); elements.delete(key); }
  const xs = items.map(i => i.x), ys = items.map(i => i.y), pad = 60;
  const least = list => list.reduce((a, b) => Math.min(a, b)), most = list => list.reduce((a, b) => Math.max(a, b));
  extent = [least(xs) - pad, least(ys) - pad, most(xs) + pad, most(ys) + pad];
  drawLinks();
  drawPanels();
  highlight();
}

function shape(g, item, longest) {
  const colour = tierOf(item).colour, host = isHost(item), room = Math.min(item.room, 150);
  const box = (w, h, x, y, r) => make("rect", {x: x - w / 2, y: y - h / 2, width: w, height: h, rx: r, fill: colour, class: host ? "host" : ""}, g);
  const text = (words, y, css, size) => {
    const t = make("text", {y, class: css}, g);
    if (size && size < 11) t.style.fontSize = size + "px";
    t.textContent = words;
    return t;
  };
  const beside = () => {
    if (!item.atom.side) return;
    const [anchor, dx, dy] = item.atom.side, t = text(item.atom.name, dy, "out");
    t.setAttribute("x", dx);
    t.style.textAnchor = anchor;
  };
  if (item.count > 1) {
    const words = "× " + number(item.count), size = Math.max(6, Math.min(11, (room * 0.72 - 6) / (words.length * 0.6)));
    const wide = Math.min(Math.max(words.length * 0.6 * size + 12, 30), room * 0.78), high = Math.min(26, wide * 0.8), step = Math.min(4, wide * 0.1);
    for (const at of [2, 1, 0]) box(wide, high, at * step, -at * step, Math.min(7, high / 3));
    if (words.length * 0.6 * size <= wide) text(words, 4, host ? "onhost" : "", size);
    const names = span(item);
    if (item.room >= 112 && names.length * 5.6 < item.room) text(names, high / 2 + 14, "out");
    return;
  }
  const name = item.atom.name;
  if (host) {
    const r = Math.max(1.8, Math.min(data.layered ? 8.5 : 5, room * (data.layered ? 0.3 : 0.22)));
    make("circle", {r, fill: colour, class: "host"}, g);
    const size = Math.min(10.5, (room - 1) / (longest * 0.6));
    if (!data.layered) beside();
    else if (size >= 7.4) text(name, r + 13, "out", size);
    else if (items.length <= MOST_TURNED) {
      const small = Math.min(10, room * 0.8), t = text(name, 0, "out", small);
      t.setAttribute("transform", `translate(${-small * 0.34} ${r + 4}) rotate(90)`);
      t.style.textAnchor = "start";
      g.below = name.length * 0.6 * small - 16;
    }
    return;
  }
  const size = Math.min(11, (data.layered ? room * 0.92 - Math.min(8, room * 0.3) : Math.min(room, 70) - 9) / (longest * 0.6));
  if (size >= 7.4) {
    const own = name.length * 0.6 * size + Math.min(16, room * 0.3);
    const wide = data.layered ? Math.max(Math.min(own, room * 0.92), Math.min(46, room * 0.8)) : own;
    box(wide, 25, 0, 0, 7);
    text(name, 4, "", size);
  } else {
    const side = Math.max(3.5, Math.min(13, room * 0.7));
    box(side, side, 0, 0, side * 0.3);
    if (!data.layered) beside();
  }
}

function route({u, v}) {
  const [a, b] = u.y <= v.y ? [u, v] : [v, u];
  if (data.layered && a.y !== b.y) {
    if (drawnLinks.length > 160) return `M${a.x} ${a.y}L${b.x} ${b.y}`;
    const middle = (a.y + b.y) / 2;
    return `M${a.x} ${a.y}C${a.x} ${middle} ${b.x} ${middle} ${b.x} ${b.y}`;
  }
  if (data.layered) return `M${a.x} ${a.y}Q${(a.x + b.x) / 2} ${a.y + Math.min(48, Math.abs(a.x - b.x) * 0.6)} ${b.x} ${b.y}`;
  const dx = b.x - a.x, dy = b.y - a.y, length = Math.hypot(dx, dy) || 1;
  const blocked = length > 40 && items.length < 600 && items.some(i => {
    if (i === u || i === v || i.row) return false;
    const along = ((i.x - a.x) * dx + (i.y - a.y) * dy) / length, beside = Math.abs((i.y - a.y) * dx - (i.x - a.x) * dy) / length;
    return along > 2 && along < length - 2 && beside < 7;
  });
  if (!blocked) return `M${a.x} ${a.y}L${b.x} ${b.y}`;
  let sx = dy / length, sy = -dx / length;
  if (sy > 1e-9 || (Math.abs(sy) < 1e-9 && sx > 0)) { sx = -sx; sy = -sy; }
  const bend = Math.min(0.16 * length + 16, 110);
  return `M${a.x} ${a.y}Q${a.x + dx / 2 + sx * bend} ${a.y + dy / 2 + sy * bend} ${b.x} ${b.y}`;
}

function drawLinks() {
  linkLayer.replaceChildren();
  const shown = drawnLinks.length, opacity = shown <= 80 ? 0.85 : shown <= 250 ? 0.6 : shown <= 800 ? 0.38 : 0.2;
  for (const link of drawnLinks) {
    const d = route(link), thick = Math.max(...[...link.profiles].map(p => profiles[p].thick));
    link.path = make("path", {d, class: "link", "stroke-width": 1.1 + 0.55 * Math.log10(link.count) + thick, "stroke-opacity": opacity}, linkLayer);
    if (shown <= 1500) make("path", {d, class: "grab"}, linkLayer).link = link;
  }
}

function drawPanels() {
  panelLayer.replaceChildren();
  if (!data.layered) return;
  const boxes = new Map();
  let below = 0;
  for (const item of items) {
    const group = panelOf(item);
    if (group < 0) continue;
    const half = Math.min(item.room * 0.44, 40);
    const box = boxes.get(group) ?? boxes.set(group, [1e9, 1e9, -1e9, -1e9, new Set()]).get(group);
    box[0] = Math.min(box[0], item.x - half); box[2] = Math.max(box[2], item.x + half);
    box[1] = Math.min(box[1], item.y); box[3] = Math.max(box[3], item.y);
    box[4].add(item.row);
    below = Math.max(below, elements.get(item.key).below);
  }
  if (boxes.size < 2 || boxes.size > 40) return;
  for (const [group, box] of boxes) if (edges.has(group)) [box[0], box[2]] = edges.get(group);
  const ordered = [...boxes.values()].filter(box => box[4].size > 1).sort((a, b) => a[0] - b[0]);
  if (ordered.some((box, i) => i && ordered[i - 1][2] > box[0])) return;
  for (const [x, y, x2, y2, rows] of ordered)
    if (rows.size > 1) make("rect", {class: "panel", x, y: y - 34, width: x2 - x, height: y2 - y + 72 + below, rx: 12}, panelLayer);
}

// Selecting: the node, its links and neighbours stay, the rest fades.
function highlight() {
  const item = selected === null ? null : itemOf.get(selected);
  const near = new Set(item ? [item] : []);
  for (const link of drawnLinks) {
    const hot = item && (link.u === item || link.v === item);
    if (hot) { near.add(link.u); near.add(link.v); }
    link.path.classList.toggle("hot", !!hot);
    link.path.classList.toggle("dim", !!item && !hot);
  }
  for (const element of itemLayer.children) {
    element.classList.toggle("dim", !!item && !near.has(element.item));
    element.classList.toggle("sel", element.item === item);
  }
  side(item);
}

function cell(parent, tag, words) {
  const element = document.createElement(tag);
  element.textContent = words;
  parent.append(element);
  return element;
}
function facts(item) {
  const out = [];
  if (item.count > 1) out.push(["names", span(item)]);
  if (item.count > 1 && sought && item.atoms.includes(sought[0])) out.unshift(["holds", sought[1]]);
  out.push(["kind", item.atom.kind]);
  if (tierOf(item).word !== item.atom.kind) out.push(["tier", tierOf(item).word]);
  if (item.count === 1) out.push(...item.atom.facts ?? []);
  return out;
}
function linkWords(link) {
  const kinds = [...link.profiles].map(p => profiles[p].words).filter(Boolean);
  return [link.count > 1 ? `${number(link.count)} links` : "", ...new Set(kinds)].filter(Boolean).join(" · ");
}
function side(item) {
  const box = $("side");
  box.replaceChildren();
  box.style.display = item ? "block" : "none";
  if (!item) return;
  const close = cell(box, "button", "✕");
  close.className = "x"; close.title = "Close"; close.onclick = () => { selected = null; highlight(); };
  cell(box, "h2", title(item));
  const list = cell(box, "dl", "");
  for (const [key, value] of facts(item)) { cell(list, "dt", key); cell(list, "dd", value); }
  if (item.group >= 0) cell(box, "button", "Unfold").onclick = () => toggle(item.group, true, item.atoms[0]);
  else if (item.path.length) cell(box, "button", "Fold its group").onclick = () => toggle(item.path.at(-1), false, item.atoms[0]);
  const near = drawnLinks.filter(l => l.u === item || l.v === item);
  if (near.length) cell(box, "p", `${near.length} neighbour${near.length > 1 ? "s" : ""}`).style.cssText = "margin:12px 0 4px;color:var(--soft)";
  for (const link of near.slice(0, 60)) {
    const other = link.u === item ? link.v : link.u;
    const row = cell(box, "button", title(other) + " ");
    row.className = "near";
    cell(row, "small", linkWords(link));
    row.onclick = () => { selected = other.atoms[0]; highlight(); };
  }
  if (near.length > 60) cell(box, "small", `and ${near.length - 60} more`);
}

function toggle(group, to, keep) {
  open[group] = to;
  selected = keep ?? null;
  if (to) selected = null;
  draw();
}
function all(to) { open.fill(to); selected = null; draw(); fit(); }

// Pan and zoom.
function apply() { world.setAttribute("transform", `translate(${panX} ${panY}) scale(${scale})`); }
function fit() {
  const [x, y, x2, y2] = extent, w = view.clientWidth, h = view.clientHeight - 130;
  scale = Math.min(w / (x2 - x), h / (y2 - y), 1.8);
  panX = (w - (x + x2) * scale) / 2;
  panY = 76 + (h - (y + y2) * scale) / 2;
  apply();
}
function zoom(factor, x, y) {
  const to = Math.max(0.02, Math.min(12, scale * factor));
  panX = x - (x - panX) * to / scale; panY = y - (y - panY) * to / scale; scale = to;
  apply();
}
view.addEventListener("wheel", event => {
  event.preventDefault();
  zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), event.clientX, event.clientY);
}, {passive: false});
let grip = null;
view.addEventListener("pointerdown", event => { grip = [event.clientX, event.clientY, panX, panY, false, event.target]; });
addEventListener("pointermove", event => {
  if (!grip) return;
  const dx = event.clientX - grip[0], dy = event.clientY - grip[1];
  if (!grip[4] && Math.hypot(dx, dy) > 4) { grip[4] = true; view.classList.add("drag"); }
  if (grip[4]) { panX = grip[2] + dx; panY = grip[3] + dy; apply(); }
});
addEventListener("pointerup", () => {
  if (!grip) return;
  const [, , , , moved, target] = grip;
  grip = null;
  view.classList.remove("drag");
  if (moved) return;
  const element = target.closest?.(".item");
  if (!element) { selected = null; highlight(); return; }
  const item = element.item;
  if (item.group >= 0) toggle(item.group, true);
  else { selected = itemOf.get(selected) === item ? null : item.atoms[0]; highlight(); }
});

// Hovering says what it is.
view.addEventListener("mousemove", event => {
  const tip = $("tip"), element = event.target.closest?.(".item"), link = event.target.link;
  tip.replaceChildren();
  if (element) {
    const item = element.item;
    cell(tip, "b", title(item));
    for (const [key, value] of facts(item).slice(0, 7)) cell(tip, "span", `${key}: ${value}`);
    if (item.group >= 0) cell(tip, "span", "click to unfold");
    else if (item.count > 1) cell(tip, "span", "too many for one page; `emulator exec` reaches each");
  } else if (link) {
    cell(tip, "b", `${title(link.u)} — ${title(link.v)}`);
    if (link.single) cell(tip, "span", `ports ${link.single[2]} and ${link.single[3]}`);
    cell(tip, "span", linkWords(link) || "no limits");
  }
  tip.style.display = tip.childNodes.length && !grip?.[4] ? "block" : "none";
  tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 10) + "px";
  tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 10) + "px";
});
view.addEventListener("mouseleave", () => { $("tip").style.display = "none"; });

// Finding by name. Names follow formulas, so a node inside a stack is found without being listed.
function indexOf(name) {
  let start = 0;
  for (const block of data.names) {
    if (block.parts) {
      const found = new RegExp("^" + block.parts.map(p => p.replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "(0|[1-9][0-9]*)").join("") + "$").exec(name);
      if (found) {
        let offset = 0, inside = true;
        block.shape.forEach((size, i) => {
          const at = +found[i + 1] - block.first;
          if (at < 0 || at >= size) inside = false;
          offset = offset * size + at;
        });
        if (inside) return start + offset;
      }
    }
    start += block.count;
  }
  return -1;
}
function search(words) {
  const low = words.toLowerCase(), out = [];
  atoms.forEach((atom, at) => {
    if (atom.count > 1) return;
    const place = atom.name.toLowerCase().indexOf(low);
    const fact = place < 0 && (atom.facts ?? []).some(f => String(f[1]).includes(words));
    if (place >= 0 || fact) out.push([place < 0 ? 9 : place, atom.name.length, at, atom.name]);
  });
  const index = indexOf(words);
  if (index >= 0) {
    const at = atoms.findIndex(a => a.ranges?.some(([from, to]) => index >= from && index <= to));
    if (at >= 0) out.push([-1, 0, at, words]);
  }
  return out.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]).slice(0, 12);
}
function reveal(at, name) {
  sought = [at, name];
  for (const group of pathOfAtom(atoms[at])) open[group] = true;
  selected = at;
  draw();
  const item = itemOf.get(at);
  scale = Math.max(scale, Math.min(1.6, 60 / Math.max(item.room, 8)));
  panX = view.clientWidth / 2 - item.x * scale; panY = view.clientHeight / 2 - item.y * scale;
  apply();
}
const find = $("find"), hits = $("hits");
let chosen = 0;
function offer() {
  hits.replaceChildren();
  const found = find.value.trim() ? search(find.value.trim()) : [];
  chosen = Math.min(chosen, Math.max(found.length - 1, 0));
  found.forEach(([, , at, name], i) => {
    const row = cell(hits, "button", name);
    row.className = i === chosen ? "on" : "";
    cell(row, "small", atoms[at].count > 1 ? "in a stack" : tiers[atoms[at].tier].word);
    row.onmousedown = () => { reveal(at, name); hits.style.display = "none"; };
  });
  if (find.value.trim() && !found.length) cell(hits, "small", "no such node").style.cssText = "padding:6px 10px;display:block";
  hits.style.display = hits.childNodes.length ? "block" : "none";
}
find.oninput = () => { chosen = 0; offer(); };
find.onkeydown = event => {
  const rows = hits.querySelectorAll("button");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    chosen = (chosen + (event.key === "ArrowDown" ? 1 : rows.length - 1)) % Math.max(rows.length, 1);
    rows.forEach((row, i) => row.classList.toggle("on", i === chosen));
    event.preventDefault();
  } else if (event.key === "Enter" && rows.length) { rows[chosen].onmousedown(); }
  else if (event.key === "Escape") { find.value = ""; offer(); find.blur(); }
};
find.onblur = () => { hits.style.display = "none"; };
addEventListener("keydown", event => {
  if (event.target === find) return;
  if (event.key === "/") { find.focus(); event.preventDefault(); }
  if (event.key === "Escape") { selected = null; highlight(); }
  if (event.key === "0") fit();
  if (event.key === "+" || event.key === "=") zoom(1.25, innerWidth / 2, innerHeight / 2);
  if (event.key === "-") zoom(0.8, innerWidth / 2, innerHeight / 2);
});

$("fit").onclick = fit;
$("fold").onclick = () => all(false);
$("unfold").onclick = () => all(true);
if (!groups.length) $("fold").style.display = $("unfold").style.display = "none";
$("theme").onclick = () => {
  const root = document.documentElement, dark = matchMedia("(prefers-color-scheme:dark)").matches;
  const now = root.dataset.theme || (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
};
for (const tier of tiers) {
  const entry = cell($("legend"), "span", "");
  const dot = cell(entry, "i", "");
  dot.style.background = tier.kind === "host" ? "var(--host)" : tier.colour;
  if (tier.kind === "host") dot.style.borderRadius = "50%";
  entry.append(`${tier.word} · ${number(tier.count)}`);
}
addEventListener("resize", fit);
draw();
fit();
if (location.hash.length > 1) {
  const [hit] = search(decodeURIComponent(location.hash.slice(1)));
  if (hit) reveal(hit[2], hit[3]);
}
})();
