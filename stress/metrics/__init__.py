"""What is measured of the machine (`names`), and the figures of a run, by which limits judge it.

WHO is nothing (all of the run), a step or an action; PROBE is the name of a probe, or `probe` for all of
them. STAT is min, mean, max or a percentile (p50, p99, p99.9); of series also first, last and growth.

| figure | unit | what |
|---|---|---|
| WHO.latency.STAT, WHO.VERB.latency.STAT | seconds | from when operations were due until they were done |
| WHO.lateness.STAT | seconds | from when they were due until they were begun |
| WHO.offered, WHO.achieved, WHO.errors, WHO.skipped | count | due, carried out, failed, needless |
| WHO.offered_rate, WHO.rate | rate | per second of the planned time; of the time that was needed |
| WHO.convergence.STAT | seconds | from an event until the probes it made wrong were right again |
| WHO.recovery.STAT | seconds | the same, from when the event was undone |
| WHO.convergence.events, WHO.convergence.unfinished | count | noticed by probes; never over |
| PROBE.loss | share | of questions without an answer in time |
| PROBE.rtt.STAT | seconds | round trips; of TCP the handshake, of commands until they ended |
| PROBE.blackhole, PROBE.longest | seconds | all loss windows together; the longest |
| PROBE.windows, PROBE.pairs, PROBE.sent, PROBE.answered, PROBE.late, PROBE.unasked | count | |
| STEP.last_good | count | hosts that a ramp reached |
| traffic.rate, traffic.slowest | bitrate | of all flows together; of the slowest |
| traffic.flows, traffic.failed, leaks, doubts | count | |
| sampler.cpu, probe.cpu | share | of a core, that measuring took |
| seconds | seconds | the run |
| host.memory.used.STAT, port.h1-eth0.rx_bytes.STAT, ... | | every series that `names` lists |
"""
