// Package devices gives pods the devices of plugins: it is the kubelet's device manager.
//
// A plugin offers the devices of one extended resource, by the kubelet's API for it (deviceplugin v1beta1). It registers at the socket
// kubelet.sock in the directory device-plugins of the node, or as plugins of other types do (package plugins), whose handler for plugins of
// type DevicePlugin a Manager is. From then on it tells which devices there are and whether they are healthy, and its resource is part of
// the node's capacity (all of them) and allocatable (the healthy ones). When the last plugin of a resource is gone, nothing of it is
// allocatable; five minutes later its capacity is 0.
//
// A container that asks for a resource that a plugin has registered is given devices when its pod is let in, before anything of the pod is
// made:
//
//   - Which ones, is a pure choice (choose.go): those of the pod's init containers that have ended by then, then healthy ones that nobody
//     has, near to the NUMA nodes that were chosen for the container, and of these the ones that the plugin prefers.
//   - The plugin is asked to allocate them. Its answer (devices, mounts, environment, annotations, names of CDI devices) is what each
//     instance of the container is made with. Where the plugin wants that, it is asked before each start too.
//   - A refusal is an error, by which the pod fails with the reason UnexpectedAdmissionError.
//
// What it promises: of a resource no device is given to two pods, nor to two containers of a pod that can run at the same time. What was
// given is on the disk, in devices.json, before a container has it, and is the container's until its pod is over (Release), whether the
// plugin or the agent goes meanwhile. Of one resource, one container is given devices at a time: a plugin that does not answer holds up
// pods that want its devices, and no others.
//
// What a container was given says nothing of whether the devices still work: Health does, from what the plugin told last.
package devices
