// Package tally counts pods by topology domain, for plugins whose verdict on one node depends on the pods of many.
//
// Recounting all pods on all nodes for each pod that is to be scheduled is what makes pod affinity and topology spread
// slow. Between two decisions next to nothing changes: mostly one node has got one pod more. So a Keeper keeps what each
// node answered to a question, and asks again only the nodes that changed since.
//
//	moment, err := reader.Now(ctx)             // which nodes changed? The snapshot tells, or their generations do
//	count, err := moment.Count(question)       // asks those, and adds up by domain
//	sum, ok := count.At(moment.Place(node))    // two array look-ups
//
// Who asks about all nodes takes Places of their list, and is spared to look for each node.
//
// It counts in two ways:
//
//   - A Question is asked of each node: how many pods of these namespaces match this selector, say. Pods of the same shape
//     ask the same question, and share the answers. A Keeper remembers a bounded number of questions, those asked last.
//   - Terms are the inter-pod affinity terms of the pods on the nodes. Each distinct term is counted once for all of the
//     pods that have it, so that to find those which a new pod matches is to match it with each distinct term.
//
// Domains of a topology key, such as the zones, are numbered densely, and so are nodes; counts lie in arrays by number.
//
// What At, Count and Terms return never changes and can be read by any number of goroutines, for as long as one likes:
// what a Keeper counts later goes to copies of the parts that change. A Keeper is safe for concurrent use, by several
// plugins, profiles and snapshots; that two snapshots take turns is slow but right. What a Keeper says is exactly what a
// recount of the snapshot would say, whatever happened before: nodes that came and went, were relabelled or changed on
// trial. It relies on one thing, that NodeInfos of one generation have the same content.
//
// The package never decides anything, and never calls the API. It knows pods and nodes by NodeInfo alone.
package tally
