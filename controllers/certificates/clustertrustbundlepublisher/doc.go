// Package clustertrustbundlepublisher publishes the certificate authority of the API server as a ClusterTrustBundle, which pods can mount. It is
// kube-controller-manager's kube-apiserver-serving-clustertrustbundle-publisher-controller.
//
// It watches ClusterTrustBundles, and owns those of the signer kubernetes.io/kube-apiserver-serving.
//
// # What it promises
//
//   - There is one such bundle. It is called kubernetes.io:kube-apiserver-serving: and twelve bytes of the SHA-256 of what it
//     holds, so that other certificates have another name; whoever mounts by the signer's name gets them.
//   - Others of that signer are deleted, once that one is there.
//   - Where there are no certificates, nothing is published, and nothing is deleted.
package clustertrustbundlepublisher
