// Package certificates keeps the certificate that the manager serves its webhooks with, and has the API server trust it. Nobody
// else is needed for that, as cert-manager is.
//
// It is a loop over one Secret and over the webhook configurations that name the manager's Service. The Secret has to be there, empty
// at first: whoever may create Secrets may create any, and so the loop may not. It holds
//
//	tls.crt, tls.key    what is served
//	next.crt, next.key  what is going to be served, while it is not trusted everywhere yet
//	ca.crt              the authorities that the API server is to trust
//
// Each certificate has an authority of its own, whose key is forgotten as soon as it has signed: with what is in the Secret nobody
// can make another certificate.
//
// # What it promises
//
//   - A certificate is good for [Lifetime], and followed by another [RenewBefore] its end.
//   - A new one is served only when its authority has stood in every configuration for [Settle], so that each API server has seen it;
//     and an old authority is trusted until its certificate has ended, so that it does not matter when each replica of the manager
//     takes the new one up. No request is refused meanwhile, and nothing is restarted.
//   - What somebody else writes into the configurations' caBundle is put right.
//   - A Secret that was emptied, spoilt or is for another Service is filled anew at once. Requests are refused until the API server has
//     seen the new authority.
//   - How far it has come is in the Secret alone, so that a manager which takes over goes on from there.
//
// The loop runs where the manager leads. [Serving] is for every replica: it has the certificate from the Secret as it changes.
//
// It never touches a webhook that is not reached by the Service, nor anything of a configuration but caBundle.
package certificates
