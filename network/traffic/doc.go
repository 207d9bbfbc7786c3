// Package traffic says what becomes of a connection, from what the API server knows: what its name leads to, which endpoints a Service
// has for it and why not others, which NetworkPolicy lets it through or stops it, and which way it takes to the node of a pod.
//
// Read reads the cluster, once. Explain is pure: it answers from that, in sentences, of which each says where it comes from. So an
// answer is about what should be; whether the kernel of a node has come to hold that is not asked, no packet is sent, and whether a
// program listens where a connection ends nobody knows here.
//
// Names are those of the specification of Kubernetes' DNS (https://github.com/kubernetes/dns/blob/master/docs/specification.md).
// Services are followed as package proxy follows them, policies as package policy does, whose judge is asked.
package traffic
