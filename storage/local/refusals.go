package local

import (
	"errors"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/orrery-dev/orrery/storage/local/store"
)

// answered is an error as the specification has it answered.
func answered(err error) error {
	code := codes.Internal
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		code = codes.NotFound
	case errors.Is(err, store.ErrExists):
		code = codes.AlreadyExists
	case errors.Is(err, store.ErrFull):
		code = codes.ResourceExhausted
	default:
		if _, is := status.FromError(err); is {
			return err
		}
	}
	return status.Error(code, err.Error())
}

// missing is what is wrong with a request that lacks a field; fields are names and values in turn.
func missing(fields ...string) error {
	for i := 0; i < len(fields); i += 2 {
		if fields[i+1] == "" {
			return status.Errorf(codes.InvalidArgument, "%s is missing", fields[i])
		}
	}
	return nil
}

// modes are the access modes that a volume of one node can have.
var modes = map[csi.VolumeCapability_AccessMode_Mode]bool{
	csi.VolumeCapability_AccessMode_SINGLE_NODE_WRITER:        true,
	csi.VolumeCapability_AccessMode_SINGLE_NODE_READER_ONLY:   true,
	csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER: true,
	csi.VolumeCapability_AccessMode_SINGLE_NODE_MULTI_WRITER:  true,
}

// unfit is why a volume cannot be what is asked of it; empty if it can.
func unfit(capabilities ...*csi.VolumeCapability) string {
	for _, c := range capabilities {
		switch {
		case isBlock(c):
			return "block volumes are not supported: volumes are directories"
		case c.GetMount() == nil:
			return "the access type is missing"
		case !modes[c.GetAccessMode().GetMode()]:
			return "access mode " + c.GetAccessMode().GetMode().String() + " is not supported: volumes are used on one node"
		}
		if _, err := mountFlags(c.GetMount().GetMountFlags()); err != nil {
			return err.Error()
		}
	}
	return ""
}

// isBlock says that a block device is asked for, of which nothing else is to be said.
func isBlock(c *csi.VolumeCapability) bool {
	_, is := c.GetAccessType().(*csi.VolumeCapability_Block)
	return is
}

// capable checks the capabilities that a request has to name.
func capable(capabilities []*csi.VolumeCapability) error {
	if len(capabilities) == 0 || capabilities[0] == nil {
		return status.Error(codes.InvalidArgument, "the volume capability is missing")
	}
	if why := unfit(capabilities...); why != "" {
		return status.Error(codes.InvalidArgument, why)
	}
	return nil
}

// noParameters refuses parameters but for those by which a provisioner says for whom a volume is.
func noParameters(parameters map[string]string) error {
	for name := range parameters {
		if !strings.HasPrefix(name, "csi.storage.k8s.io/") {
			return status.Errorf(codes.InvalidArgument, "parameter %q is unknown: volumes of %s have none", name, Name)
		}
	}
	return nil
}
