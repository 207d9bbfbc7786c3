// Package claims has drivers prepare what pods claim of resources (ResourceClaims): it is the kubelet's manager of dynamic resource
// allocation.
//
// A driver registers as plugins of other types do (package plugins), whose handler for plugins of type DRAPlugin a Manager is. Before the
// sandbox of a pod is made, the claims of the pod are read from the API server, and each driver that has a device in one of them prepares it.
// A container that names a claim, or one request of it, is made with the CDI devices that the drivers have answered for that. When nothing
// of a pod runs any more, the drivers are told of the claims that no other pod of the node has.
//
// What it promises: nothing is prepared for a pod that the claim is not reserved for, or was not made for. What a driver may have prepared is on
// the disk, in dra_manager_state, before it is asked to, and until it has said that it is undone; so it is undone also when the agent, the
// driver or the pod goes meanwhile. A claim that is being undone is not given to another pod.
//
// What a driver has published of its devices (ResourceSlices) is removed when an agent is started, for drivers publish it again, and half a
// minute after a driver went. Drivers are not asked for the health of devices.
package claims
