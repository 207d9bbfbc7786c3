// Package topologycount counts pods by topology domain (kube-scheduler's topology pairs), for plugins whose verdict on one
// node depends on the pods of many.
//
// Recounting all pods on all nodes for each pod that is to be scheduled is what makes pod affinity and topology spread
// slow. Between two decisions next to nothing changes: mostly one node has got one pod more. So a Counter keeps what each
// node contributes to a count, and looks again only at the nodes that changed since.
//
//	snapshot, err := reader.Snapshot(ctx)      // which nodes changed? The scheduler's snapshot tells, or generations do
//	count, err := snapshot.Count(query)        // looks at those, and adds up by domain
//	sum, ok := count.At(snapshot.Ref(node))    // two array look-ups
//
// FilterAll and ScoreAll do the last for all nodes, and are spared to find each.
//
// It counts in two ways:
//
//   - A Query is made of each node: how many pods of these namespaces match this selector, say. Pods that are alike make
//     the same query, and share its counts. A Counter remembers a bounded number of queries, those made last. One that is
//     about pods with a label looks the first time at the nodes that have such pods, which an index of the label knows.
//   - Terms are the inter-pod affinity terms of the existing pods. Each distinct term is counted once for all of the pods
//     that have it, so that to find those which a new pod matches is to match it with each distinct term.
//
// Domains of a topology key, such as the zones, are numbered densely, and so are nodes; counts lie in arrays by number.
//
// What At, Count and Terms return never changes and can be read by any number of goroutines, for as long as one likes:
// what a Counter counts later goes to copies of the parts that change. A Counter is safe for concurrent use, by several
// plugins, profiles and snapshots; that two snapshots take turns is slow but right. What a Counter says is exactly what a
// recount of the snapshot would say, whatever happened before: nodes that came and went, were relabelled or changed on
// trial. It relies on one thing, that NodeInfos of one generation have the same content.
//
// The package never decides anything, and never calls the API. It knows pods and nodes by NodeInfo alone.
package topologycount
