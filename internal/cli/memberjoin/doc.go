// Package memberjoin is how a machine becomes a member of the control plane of others: both ends of one conversation.
//
// The machine has been given a token that is for this alone, and the hash of the authority's public key. It finds out whom it talks to
// as a machine does that becomes a node (package nodebootstrap), and then asks twice, at [Path] of the API server:
//
//   - With GET for the members that there are. It sees whether it reaches them, and nothing has changed.
//   - With POST to become one. The member that is asked finds out whether the machine may join and whether it is reached, takes
//     the token, which is good for no second time, makes room for the machine in etcd, and answers with the keys that all members have
//     in common. These are sealed (HPKE, RFC 9180) to a key that the machine has drawn for it, and so are of no use to whoever else sees the answer.
//
// What it promises: nobody is let in but by a token of the group identity.MemberBootstrappers, which no other token has unless a person
// gives it; a request that is refused has changed nothing; and each thing that goes wrong is one sentence.
//
// It starts nothing, and writes nothing on the machine: who calls it does.
package memberjoin
