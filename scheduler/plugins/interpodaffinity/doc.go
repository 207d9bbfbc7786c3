// Package interpodaffinity puts pods near to pods that they want beside them, and away from those that they do not want,
// where near is the same domain of a topology key.
//
// Four things are looked at:
//
//   - Required affinity: in each of the domains of its terms, the node has a pod that matches all terms. Only for the
//     first pod of a group, which matches its own terms while no pod anywhere does, any node with the topology keys will do.
//   - Required anti-affinity: in no domain of its terms does the node have a pod that matches the term.
//   - Required anti-affinity of the pods that are there already, against the new one.
//   - As a score, the weights of preferred terms: the new pod's that match pods in the node's domains, and those of
//     pods in the node's domains that match the new pod, among which required affinity has the weight hardPodAffinityWeight.
//
// A term is about the pods of the namespaces that it names and of those whose labels its namespaceSelector matches; with
// neither, of the namespace of the pod that has it. matchLabelKeys and mismatchLabelKeys are not looked at: whoever admits
// the pod to the API merges them into the terms' selectors.
//
// All counts come from package topologycount, so that a decision costs little more than what changed since the one before
// it.
package interpodaffinity
