package resources

import (
	"encoding/binary"
	"maps"
	"slices"
)

// AppendAmounts appends amounts in a form in which equal bytes mean equal amounts.
func AppendAmounts(to []byte, amounts *Amounts) []byte {
	for _, amount := range []int64{amounts.MilliCPU, amounts.Memory, amounts.EphemeralStorage, int64(len(amounts.Scalars))} {
		to = binary.AppendVarint(to, amount)
	}
	if len(amounts.Scalars) == 0 {
		return to
	}
	for _, name := range slices.Sorted(maps.Keys(amounts.Scalars)) {
		to = append(binary.AppendUvarint(to, uint64(len(name))), name...)
		to = binary.AppendVarint(to, amounts.Scalars[name])
	}
	return to
}

// AppendRequests appends requests in such a form.
func AppendRequests(to []byte, requests PodRequests) []byte {
	for _, amount := range requests {
		to = binary.AppendVarint(to, amount)
	}
	return to
}
