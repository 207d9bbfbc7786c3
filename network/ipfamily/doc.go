// Package ipfamily is the family of an address: IPv4 or IPv6, with the words that Kubernetes and nftables have for what differs.
//
// It owns that difference for the other packages of network. What is done for one family is done for the other by the same code, which
// has the family as a value: whoever needs to tell them apart asks here.
package ipfamily
