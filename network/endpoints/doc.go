// Package endpoints says which endpoints a port of a Service has, and which of them traffic from some place is sent to, for whoever
// has to know: the proxy that sends it, and who explains where it goes. It is pure, and knows EndpointSlices only.
package endpoints
