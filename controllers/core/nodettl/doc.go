// Package nodettl says on each node how long its agent may go without looking again at the ConfigMaps and Secrets of its pods: the
// annotation node.alpha.kubernetes.io/ttl, in seconds, which is the longer the more nodes there are. It is kube-controller-manager's
// ttl-controller.
//
// It watches all nodes, and works on all of them at once: all have the same number, and what it is follows from how many they are.
//
// # What it promises
//
//   - The number is that of [tiers]. Where two of them overlap, the one stays that most nodes have: a cluster whose size goes
//     back and forth by a few nodes is not written to each time. That is so after a restart as well, as nothing is remembered
//     but what the nodes say.
//   - A node on which somebody has changed the number gets it back.
package nodettl
