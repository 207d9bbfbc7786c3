// Package mirror shows the static pods of a node in the API: it keeps their mirror pods.
//
// A static pod runs whether there is an API server or not, and is not an object of it. So that people and schedulers see it, the agent
// makes a mirror pod: an object with its name and its spec, which belongs to the Node. Package pods writes the static pod's status to
// it. Whoever changes or deletes the mirror changes nothing about the static pod.
//
// It is a loop of package engine, whose keys are the names of pods:
//
//   - Observe looks for the static pod and the mirror pod of the name.
//   - Plan makes a mirror where there is none. One that somebody is deleting is deleted at once, and made anew. One that is of another
//     manifest, or whose static pod is gone, is deleted when nothing of the pod that it shows runs any more.
//
// What it promises: it deletes none but mirror pods, and those only when all static pods of the node have been read; it makes none
// before the Node is there, to which a mirror pod has to belong. A pod of the same name that is no mirror stays, and is told as an error.
package mirror
