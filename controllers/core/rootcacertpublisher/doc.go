// Package rootcacertpublisher publishes the certificate authority of the API server in every Namespace, as the ConfigMap
// "kube-root-ca.crt", from where Pods get it next to their token. It is kube-controller-manager's
// root-ca-certificate-publisher-controller.
//
// It watches Namespaces, and ConfigMaps of that name. It works on Namespaces that are not being deleted: it creates the
// ConfigMap where there is none, and turns it back when somebody has changed its data or taken away its description.
//
// A manager that runs no other reader of ConfigMaps can keep its cache small by restricting it to that one name.
package rootcacertpublisher
