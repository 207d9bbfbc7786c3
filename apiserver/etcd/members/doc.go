// Package members looks after who is a member of the etcd of a control plane.
//
// It is a loop with one key that each member runs:
//
//   - Look asks for the members, and each of them how it is: who leads, how far it is behind, its version and the size of its store.
//   - Plan tells the others where this member is reached, if they have it otherwise; and where this member leads it has a learner
//     promoted that has caught up. What it waits for is a sentence in the plan.
//   - Problem and Advice are what only a person can do something about: members that do not answer, a quorum that is in danger, an even
//     number.
//
// Beside the loop [World.CheckJoin] and [World.CheckRemoval] decide who may become a member, and who may be removed: not when it would cost the
// quorum.
//
// It promises to promote nobody who is far behind, and to remove nobody by itself.
package members
