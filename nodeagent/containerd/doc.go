// Package containerd runs a container runtime of our own for one node: a containerd that nobody else uses, as a child process.
//
// It owns two directories. Dir, which the caller chooses, lasts: images, configuration and log. The run directory, under
// /run/orrery, is gone after a reboot, as it should: sockets, running containers' state, network namespaces. No other containerd
// on the host, and no host's kubelet, ever meets ours.
//
// What it promises:
//
//   - The node agent gets a CRI endpoint, and needs to know nothing else.
//   - Containers outlive containerd: each has a parent process of its own (a shim). Run restarts a containerd that ended, after a
//     growing pause, and the new one adopts the containers that it finds. The same holds when the whole control plane is killed and
//     started again: a containerd that was left behind is replaced, never fought.
//   - One control plane at a time uses a directory.
//   - Reset leaves no process, mount, network namespace, socket, cgroup or file, and Halt nothing that runs, whatever state they
//     find: they look at the machine, and believe no record.
//
// It does not pull or choose images, does not know pods, and does not make a network: it is told where the CNI configuration is.
package containerd
