// Package pki owns the certificates of one control plane: a certificate authority of its own, and every key and
// certificate that the authority has signed.
//
// It promises that opening the same directory again gives the same authority and the same service-account key, so
// that clients and tokens survive a restart; that a certificate which is near its end, or which lacks a name it
// needs, is signed anew; and that private keys are readable by their owner alone.
//
// It never talks to the network, never replaces an authority that it cannot read (that is an error for a person to
// look at), and never signs for an authority other than its own.
package pki
