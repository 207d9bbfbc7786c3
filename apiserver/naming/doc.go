// Package naming makes an API server answer to a second name of its kinds.
//
// A Deployment is apps/v1 for kubectl, Helm and client-go, and apps.orrery.dev/v1, a custom resource, for whoever works with
// the Orrery naming. The second name is translated at the door: [Door] is a filter outside of all others, which turns a
// request for the second name into the request for the first before the server has looked at it, and turns the answer back.
//
// So whatever judges a request (authorization, admission, PodSecurity, policies, quota, webhooks, defaults, validation), every
// subresource and graceful deletion are those of the first name, once, and nothing can be reached by one name that is refused
// by the other. [Inner] holds that: it is a filter inside of all others, which refuses what the server takes for a request by
// a second name, however it was spelled to get past the door. Storage knows the first name only. The definitions of the second
// names are installed, and [Guard] keeps them as they are; discovery comes from them, and their objects are never asked for.
//
// # What is translated
//
//   - The path; the apiVersion of the object, of the items of a list, of the objects of a watch and of a table; of
//     ownerReferences and of managedFields; in patches of every type as well.
//   - Bodies and answers in JSON while they come, in one pass and without being decoded: a large list is never there as a
//     whole. YAML and JSON patches are. No body is read before its sender is known and let in.
//   - The frames of a watch by websocket.
//   - The question whether somebody may do something under the second name ([Authorizer]), to the first. Rights are rights
//     on the first name, and a role on the second alone grants nothing.
//   - The schemas under /openapi/v3, which kubectl explain reads: they are the first name's, with their descriptions.
//
// Large answers are compressed for who reads that, as by the first name. The audit log names the first name, and in the
// annotation [AuditAnnotation] the second one, where that was used.
//
// # What is not
//
//   - What a person wrote in a spec, such as the scaleTargetRef of a HorizontalPodAutoscaler: both names of its target can
//     be looked up.
//   - A Status that refuses a request: its words are about the first name, as are the rules by which it was judged.
//   - The bodies of log, exec, attach, portforward and proxy, which are nobody's objects.
//   - What a webhook, a policy, a role or a quota says of a second name. It is never asked, and who writes it is warned.
//   - The schemas under /openapi/v2, which come from the definitions.
//
// A second name speaks JSON and YAML, as every custom resource does; protobuf and CBOR are refused.
package naming
