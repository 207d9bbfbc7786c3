// Package garbagecollector deletes objects whose owners are gone, and holds owners back whose dependents have to go or
// to be let go first. It does so for every kind that the API server has, also for those that come and go while it runs. It is
// kube-controller-manager's garbage-collector-controller.
//
// An object names its owners in metadata.ownerReferences. What happens when an owner is deleted is the choice of who
// deletes it:
//
//	background   the owner goes at once, and then what it owned alone
//	foreground   the finalizer "foregroundDeletion" holds it until all that blocks its deletion is gone
//	orphan       the finalizer "orphan" holds it until nothing refers to it any more
//
// # How it is built
//
// It is one loop, whose keys are objects of all kinds ([Key]). It has a cache of its own, the graph: what counts of each
// object (its owners, finalizers and deletion, a few hundred bytes) and who depends on whom, kept by one metadata watch per
// kind: it watches all that can be watched, and the watches come and go with the kinds. So a pass reads nothing from the API server, and a deletion finds its
// dependents by one look in a map. The graph also wakes the loop, and only where there may be something to do: a pod whose
// ReplicaSet has been seen costs no pass before one of the two is deleted.
//
// # What it promises
//
//   - Nothing is deleted while one of its owners exists. An owner that the graph lacks is asked for at the API server,
//     by name and UID, right before the deletion, unless its end was seen or it has been asked for in vain before.
//   - A deletion is locked to the version of the object that it was decided on.
//   - An owner is found by kind, namespace, name and UID together; a UID alone decides nothing.
//   - An owner of a kind that the server does not know, or does not answer for, counts as existing. So does one that is named without
//     UID, which no API server lets in.
//   - An owner in another namespace counts as gone, since names reach no other namespace, and a Warning
//     OwnerRefInvalidNamespace is recorded. An object without namespace can have no owner in a namespace: it gets the
//     Warning and is left alone, whatever becomes of that owner.
//   - Of an object with an owner left, the references to owners that are gone, or that wait for it, are removed.
//   - A circle of objects that all wait for each other is undone: their references cease to block.
//   - A group that does not answer, or a kind that cannot be listed, holds up no other.
//
// Watches of two kinds are not in step. So an owner that orphans is held for 1.5 s at least: a dependent that was made
// right before is then seen in time, unless its watch is further behind than that.
//
// It ignores Events, which have no owners and are many.
package garbagecollector
