// Package equivalence remembers what the local plugins of a profile said of each node, for all pods of an equivalence class.
//
// Most pods come in crowds: the replicas of one workload differ in their names and in little else. All that local plugins
// read of a pod is its key (see framework.EquivalencePlugin), and pods of one key are a Class: for each node, by its number,
// the verdict of the filters and the raw score of each scoring plugin, in flat arrays, and over the totals a tree of maxima
// that gives the best node, at random among equals, in a few steps. A decision asks the plugins again only about nodes
// that changed since the class was last used, which after a decision on the same class is the one node that the last pod
// went to.
//
// # What makes an answer reusable
//
//   - It comes from local plugins only. The others, which look at more than the node (pods elsewhere, volumes, claims,
//     or whatever a plugin from outside does), run for every pod. As long as they step aside for the pod by PreFilter and
//     PreScore, as they do for a pod without volumes, claims, affinity to pods or topology constraints, the class alone
//     decides. Those that can say in one call what they think of all nodes, as affinity to pods and topology spread can,
//     join it in a Scan. Where there are others, the class spares their search the local plugins (see package cycle).
//   - Local plugins promise that their answer follows from the key and the NodeInfo, and that normalizing needs the
//     largest score and nothing else of the other nodes.
//
// # What ends it
//
//   - The node changed in the snapshot: its object, its pods, or an attempt at either that was taken back. Package cache
//     says which nodes did.
//   - A node came, or got the number of one that went: it is looked at like one that changed. So are those of which a
//     plugin says that what it thinks of them depends on how many nodes there are. Only when package cache numbers all
//     nodes anew, all answers end.
//   - Another pod was nominated to the node, or no longer is. A node with nominated pods that go first is evaluated with
//     them and without; that verdict holds until the nominations there change. Priority, which says who goes first, is
//     part of the key.
//   - The largest score of a plugin that normalizes changed: totals are added up again, without asking any plugin about
//     a node.
//
// A decision looks at no more nodes that are not known than an ordinary search would (percentageOfNodesToScore), and
// chooses among all that are: never from fewer nodes than the ordinary search, and after a few pods of a class from all.
//
// A class is remembered when a pod of it comes a second time, and the Cache drops those used longest ago when all together
// take more than a number of bytes. Pods that a local plugin restricts to named nodes or refuses before looking at any,
// and those of profiles with extenders, have no class.
//
// The package never chooses between nodes of different totals, never writes to the snapshot, and starts no goroutine that
// outlives a call. It is not safe for concurrent use; its caller is the one goroutine that decides.
package equivalence
