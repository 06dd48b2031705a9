#!/bin/sh
# What the Vagrantfile runs on the head: it makes a wheel, certificates and an inventory, and then runs cluster.yml for
# itself and the workers. UNDERLAY is the first three numbers of the private network, WORKERS the number of workers.
# It can be run again (`vagrant provision head`): then only what changed is done.
set -eu
umask 077
clone=$(cd -- "$(dirname -- "$0")/.." && pwd)
place=$HOME/cluster
known=$HOME/.ssh/known_hosts
key=$HOME/.ssh/cluster_key
mkdir -p -- "$place"

sudo apt-get -qq update
sudo DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install ansible-core python3-venv openssh-client >/dev/null

# The wheel, and an environment that can make certificates.
[ -x "$place/venv/bin/pip" ] || python3 -m venv "$place/venv"
rm -rf -- "$place/source" "$place/dist"
mkdir -- "$place/source"
for part in pyproject.toml setup.py README.md LICENSE topologies emulator stress; do
    cp -R -- "$clone/$part" "$place/source/"
done
# the same source gives the same wheel: with the time of the build in it, each run would install it anew
SOURCE_DATE_EPOCH=315532800 "$place/venv/bin/pip" wheel --quiet --no-deps --wheel-dir "$place/dist" "$place/source"
wheel=$(echo "$place"/dist/*.whl)
if [ ! -e "$place/certificates/ca.pem" ]; then
    "$place/venv/bin/pip" install --quiet -c "$clone/constraints.txt" "${wheel}[cluster]"
    "$place/venv/bin/emulator" workers certs "$place/certificates"
fi

# Workers come up at the same time as the head with libvirt. Their keys are taken on first sight: the private network
# is this computer's own. Later on they are compared.
address() { echo "$UNDERLAY.$((10 + $1))"; }
touch -- "$known"
number=0
while [ "$number" -lt "$WORKERS" ]; do
    number=$((number + 1))
    tries=0
    until ssh -i "$key" -o StrictHostKeyChecking=accept-new -o BatchMode=yes -o ConnectTimeout=5 \
        "vagrant@$(address "$number")" true; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || { echo "worker$number doesn't answer at $(address "$number")" >&2; exit 1; }
        sleep 5
    done
done

inventory() {
    echo 'all:'
    echo '  hosts:'
    echo "    head: {ansible_connection: local, cluster_address: $(address 0)}"
    number=0
    while [ "$number" -lt "$WORKERS" ]; do
        number=$((number + 1))
        echo "    worker$number: {ansible_host: $(address "$number"), cluster_address: $(address "$number")}"
    done
    echo '  vars:'
    echo '    ansible_user: vagrant'
    echo "    ansible_ssh_private_key_file: $key"
    echo '    ansible_python_interpreter: /usr/bin/python3'
    echo "    cluster_wheel: $wheel"
    echo "    cluster_certificates: $place/certificates"
    echo '  children:'
    echo '    cluster_scheduler: {hosts: {head: }}'
    echo '    cluster_workers:'
    echo '      hosts:'
    number=0
    while [ "$number" -lt "$WORKERS" ]; do
        number=$((number + 1))
        echo "        worker$number:"
    done
}
inventory >"$place/inventory.yml"
cd -- "$clone/ansible"
ANSIBLE_CONFIG=ansible.cfg ansible-playbook -i "$place/inventory.yml" cluster.yml
