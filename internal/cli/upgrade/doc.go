// Package upgrade decides in which order the programs of a control plane and its nodes are replaced, whether they can be, and whether it
// is one machine's turn.
//
// [Make] is a pure function from a [World], which is all that somebody has seen, to a [Plan]: the steps of all machines in order, each
// with the sentence that says why it is where it is; why the program that was asked cannot be run at all ([Plan.Refused]); and what this
// machine has to wait for ([Plan.Waits]). A machine acts on itself alone, and each machine makes the same order out of what it sees.
//
// It promises, of any world:
//
//   - Members of the control plane come one after another, those that do not lead before the one that leads, so that the lead changes
//     once; and none while another one does not answer, learns or is behind. So of three or more a quorum goes on.
//   - Nodes come after all members; on the way back, before them. So no kubelet is newer than an API server
//     (https://kubernetes.io/releases/version-skew-policy/).
//   - API servers are never more than one minor release apart, none is skipped, and no kubelet is more than three older.
//   - The way back is one minor release at most: what a release stores, the one before can read, and no older one has to
//     (https://kubernetes.io/docs/reference/using-api/deprecation-policy/, rule 4b). Etcd has no way back: it does not start on data of
//     a later minor release.
//
// It reads nothing, and replaces nothing: that is done by 'orrery upgrade'.
package upgrade
