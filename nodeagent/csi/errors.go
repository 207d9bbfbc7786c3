package csi

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Final says whether an error of a call means that the driver has done nothing, and does nothing any more. Otherwise it may be at it
// still.
func Final(err error) bool {
	answer, ok := status.FromError(err)
	if !ok {
		return false // it is not the driver's
	}
	switch answer.Code() {
	case codes.Canceled, codes.DeadlineExceeded, codes.Unavailable, codes.ResourceExhausted, codes.Aborted:
		return false
	default:
		return true
	}
}

// Infeasible says whether an error of an expansion means that it can never be had.
func Infeasible(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.OutOfRange, codes.NotFound:
		return true
	default:
		return false
	}
}

// InUse says whether a volume is not expanded because pods have it.
func InUse(err error) bool { return status.Code(err) == codes.FailedPrecondition }
