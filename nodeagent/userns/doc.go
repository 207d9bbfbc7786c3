// Package userns gives the pods that have users of their own (hostUsers: false) the IDs of the host that these are.
//
// Each pod has a range of IDs, which no other pod of the node has, as long as its directory is there: the range is written there, in
// the kubelet's form, so that it is the same when the agent starts anew. The ranges come from those of the user kubelet in /etc/subuid
// and /etc/subgid, where there is one and getsubids can be run; otherwise from all but the first, which the host's own users have.
package userns
