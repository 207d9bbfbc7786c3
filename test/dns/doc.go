// Package dns asks the DNS server of a control plane, which runs against an API server as its own identity, and compares what it
// answers with the specification: https://github.com/kubernetes/dns/blob/master/docs/specification.md, version 1.1.0.
package dns
