// Package cri is how the node agent speaks to a container runtime.
//
// It owns four things: Runtime, the calls that the agent needs of CRI v1 and no others; how long each of them may take
// (WithDeadlines), whatever the runtime does; the labels and annotations that tie a sandbox or a container to its pod, in the
// kubelet's format so that crictl and friends understand them; and Pod, which is what one pod looks like to the runtime right now.
//
// It promises that everything an agent needs to know about a running container can be read back from the runtime: an
// agent that restarts adopts what runs. It never decides anything, and it never touches a sandbox that does not carry
// the agent's own name (LabelAgent): several agents can share one runtime.
package cri
