// Package cadvisor tells what containers, pods and the machine use under the names and labels that cAdvisor has for it in a kubelet,
// at /metrics/cadvisor: what dashboards are made for.
//
// The figures of a container are those of its control group (CPU times, throttling, memory, limits, processes), with what it has
// written to its own file system, which the runtime tells. Those of a pod are of the group above; its network's are of the sandbox, as
// with containerd in a kubelet, and pods on the machine's own network have none. The group / is the whole machine.
//
// It is no cAdvisor: it keeps nothing, reads when it is asked, and has no figures of block devices, open files or TCP. What the kernel does
// not tell is left out, and so are containers that have ended. Where no group can be read, as on simulated nodes, there is what the
// runtime tells: CPU time and memory.
package cadvisor
