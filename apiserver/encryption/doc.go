// Package encryption owns the key by which one control plane encrypts Secrets before it stores them in etcd.
//
// The key lies in a file of its own, readable by its owner alone, in the form of upstream's EncryptionConfiguration: any
// kube-apiserver that is given the file as --encryption-provider-config reads what ours wrote. Each key is named after
// itself, so that a stored Secret tells which key it needs.
//
// The cipher is secretbox (XSalsa20 and Poly1305). Its nonces are long enough to be drawn at random for ever, which is not
// so for AES-GCM (upstream asks for a new key every 200,000 writes), and unlike AES-CBC it notices what was tampered with.
// What was stored before there was a key is read as it is.
//
// The package never makes a second key by itself where the first is lost, never removes a key that a stored Secret may need,
// and does not know an API server: package apiserver reads etcd, and rewrites Secrets.
package encryption
