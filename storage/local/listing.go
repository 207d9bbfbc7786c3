package local

import (
	"context"
	"slices"
	"strings"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/orrery-dev/orrery/storage/local/store"
)

// GetCapacity says how large a volume can be made.
func (d *Driver) GetCapacity(_ context.Context, r *csi.GetCapacityRequest) (*csi.GetCapacityResponse, error) {
	if r.GetAccessibleTopology() != nil && !d.isHere(r.GetAccessibleTopology()) || unfit(r.GetVolumeCapabilities()...) != "" {
		return &csi.GetCapacityResponse{}, nil
	}
	free, err := d.store.Free()
	if err != nil {
		return nil, answered(err)
	}
	return &csi.GetCapacityResponse{AvailableCapacity: free, MaximumVolumeSize: wrapperspb.Int64(free)}, nil
}

// tokenPrefix tells our tokens from others.
const tokenPrefix = "after:"

// page is a part of a list that is ordered by IDs: what comes after a token, which names the last ID of the page before, up to a number
// of entries; 0 sets no bound.
func page[T any](all []T, id func(T) string, token string, most int32) (part []T, next string, err error) {
	after, ours := strings.CutPrefix(token, tokenPrefix)
	if token != "" && !ours {
		return nil, "", status.Errorf(codes.Aborted, "starting_token %q is none of ours", token)
	}
	all = slices.DeleteFunc(all, func(each T) bool { return id(each) <= after })
	if most <= 0 || len(all) <= int(most) {
		return all, "", nil
	}
	return all[:most], tokenPrefix + id(all[most-1]), nil
}

// ListVolumes lists all volumes of the node.
func (d *Driver) ListVolumes(_ context.Context, r *csi.ListVolumesRequest) (*csi.ListVolumesResponse, error) {
	all, err := d.store.Volumes()
	if err != nil {
		return nil, answered(err)
	}
	part, next, err := page(all, func(v store.Volume) string { return v.ID }, r.GetStartingToken(), r.GetMaxEntries())
	if err != nil {
		return nil, err
	}
	told := &csi.ListVolumesResponse{NextToken: next}
	for _, v := range part {
		told.Entries = append(told.Entries, &csi.ListVolumesResponse_Entry{Volume: d.told(v)})
	}
	return told, nil
}
