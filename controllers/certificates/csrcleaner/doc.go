// Package csrcleaner deletes CertificateSigningRequests that are of no use any more. It is kube-controller-manager's
// certificatesigningrequest-cleaner-controller.
//
// It watches CertificateSigningRequests, and owns nothing of theirs.
//
// # What it promises
//
//   - One that nobody has decided about stays for a day, and so does one that was approved and has no certificate yet.
//   - One that has its certificate, was denied or has failed stays for an hour after that was said. Who asked has read the answer by
//     then.
//   - One whose certificate has expired goes at once.
//   - Where several of these are so, the first to end counts; a request that says nothing of them stays.
//   - One that was decided about in the last moment has its new time: the deletion is good for the request as it was seen only.
package csrcleaner
