// Package explain says of claims and volumes how they stand: why a claim is not bound and which volumes come close, who holds what is being
// deleted, and where the data lies.
//
// It is pure but for [ReadClaim] and [ReadVolume], which read a [World] by a client that only reads. What it says follows the rules of the loops that decide
// (the binder, provisioners, protection), and decides nothing itself. It explains what an API server tells, of whatever driver.
package explain
