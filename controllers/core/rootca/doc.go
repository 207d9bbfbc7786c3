// Package rootca publishes the certificate authority of the API server in every Namespace, as the ConfigMap
// "kube-root-ca.crt", from where Pods get it next to their token.
//
// It works on Namespaces that are not being deleted. It creates the ConfigMap where there is none, and turns it back
// when somebody has changed its data or taken away its description.
//
// It watches ConfigMaps. A manager that runs no other reader of them can keep its cache small by restricting it to
// that one name.
package rootca
