// Package volumebinding finds a node on which all volumes of a pod can be, and binds those that wait for the pod.
//
// A claim is in one of three states. It is bound: then its volume may say on which nodes it can be used. It should be
// bound without regard to pods, and is not yet: then the pod waits. Or its class waits for the first consumer: then this
// plugin chooses, for each node, a free volume that can be used there or finds that the class's provisioner can make one
// there. An ephemeral volume is a claim of the pod's own; one of that name which somebody else owns is refused.
//
// The work is split as in a control loop. PreFilter observes: it reads everything about the claims. Filter decides for each
// node, purely from that. Reserve assumes the chosen node's decision, so that the next pod sees the volumes as
// taken, and Unreserve gives back what was not written. PreBind writes the volumes and claims, and waits until whoever
// binds claims has done so, up to bindTimeoutSeconds (600 by default). What it has written stays when the pod is then
// not bound: a claim that is being provisioned for a node keeps the pod to that node, until the provisioner gives up.
//
// Nodes whose volumes fit best, by the shape in the plugin's arguments, score highest; by default the emptiest.
package volumebinding
