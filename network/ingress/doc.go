// Package ingress routes HTTP requests from outside to Services as Ingresses want it: a reverse proxy of Go's standard library, for
// clusters that need no more than Ingress promises.
//
// It is a loop of package engine with one key, since there is one table of routes:
//
//   - Observe reads Ingresses, IngressClasses and Services from the cache, and from the API server the Secrets that those Ingresses name.
//   - Plan makes the table of routes and certificates, as a pure function, and compares it with the one in use.
//   - Steps put a table to use, which no request notices that is under way; write into the status of Ingresses where they are served; and
//     make the IngressClass orrery, where there is none of that name: the default one, if there is no other.
//
// It is woken by those objects but for Secrets, which it reads again every ten seconds: so it needs no right to list or watch any.
//
// What it promises:
//
//   - It serves Ingresses whose class is of the controller orrery.dev/ingress, by spec.ingressClassName or by the old annotation
//     kubernetes.io/ingress.class.
//   - A request goes by its host first: one that is named exactly, then a wildcard, which stands for one label, then rules without a
//     host. Of the paths of that host the longest counts that matches, and of equal ones Exact before Prefix. A Prefix matches whole
//     elements; ImplementationSpecific is taken for Prefix. Where two Ingresses say the same, the older one counts. What matches nothing
//     goes to the default backend of the oldest Ingress that has one, or is not found.
//   - A backend is a Service's port at its cluster IP, and so whatever the service proxy makes of that. One that does not exist, or has
//     no cluster IP, is answered for with 503, one that does not answer with 502.
//   - Connections are upgraded, as for websockets, and streams are not held up. A backend sees the host that was asked for, and who
//     asked by X-Forwarded-For, -Host and -Proto, which nobody else can set.
//   - By TLS a host is served with the certificate of the Secret that an Ingress names for it, chosen by SNI, as exactly as routes are. For
//     a host without one the connection is refused.
//   - A path with "." or ".." elements is refused: backends may take it for another than the one that was matched.
//
// It redirects nobody from HTTP to HTTPS, speaks HTTP/1.1 to backends, and knows no annotations but the one above.
package ingress
