// Package servers leads what a node has to say to the API server of its cluster to one of those that there are and are well.
//
// A [Balancer] listens on the loopback interface, and hands each connection on to a server as it is: TLS is between the client and
// the server, whose certificate covers the loopback address. Where there are several it asks each now and then whether it is ready; it tries the
// next one where a connection fails, and ends the connections to a server that is not well any more, so that clients, which would wait
// for an answer, ask another one. [Follow] keeps its list of servers to what the endpoints of the Service kubernetes say.
//
// It promises that the loss of one server of several is no loss for the node, and that those that a person has named are tried whatever the
// endpoints say. Where no server is well it tries all of them, in turn: it may be the one who is wrong.
//
// It never looks into a connection, and has no credentials.
package servers
