// Package resourcemetrics knows what nodes and pods use: it is metrics-server, in the process of a control plane.
//
// A Scraper asks every node for its figures (/metrics/resource, or the path that the Node's annotation names) every 15 s, over the port
// that the Node tells and as a client of the node's own. A Store keeps of each container and each node the two newest figures: what
// is used is the difference. Package api serves it as metrics.k8s.io/v1beta1.
//
// It answers as metrics-server does. Of a node there is something to tell once it was asked twice, of a container that has just
// started after 10 s. A pod is only told of when all of its containers that run are known. Who does not answer is known no more, and
// nothing is kept beyond that: there is no history here.
//
// It is no source for monitoring, and it measures nothing by itself.
package resourcemetrics
