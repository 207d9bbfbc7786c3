package userns

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
)

// owner is whose subordinate IDs pods get.
const owner = "kubelet"

// OfNode are the IDs that a node gives to pods which get so many each: the subordinate ones of the user kubelet, for users and groups
// alike. Without such a user, or without the program that tells, they are all but the host's.
func OfNode(ctx context.Context, perPod int64) (Range, error) {
	whole := all(uint32(max(perPod, DefaultIDsPerPod)))
	var unknown user.UnknownUserError
	if _, err := user.Lookup(owner); errors.As(err, &unknown) {
		return whole, nil
	} else if err != nil {
		return Range{}, fmt.Errorf("looking for the user %s: %w", owner, err)
	}
	program, err := exec.LookPath("getsubids")
	if errors.Is(err, exec.ErrNotFound) {
		return whole, nil
	} else if err != nil {
		return Range{}, fmt.Errorf("looking for getsubids: %w", err)
	}
	users, err := exec.CommandContext(ctx, program, owner).Output()
	if err != nil {
		return Range{}, fmt.Errorf("asking for the subordinate IDs of the user %s: %w", owner, err)
	}
	groups, err := exec.CommandContext(ctx, program, "-g", owner).Output()
	if err != nil {
		return Range{}, fmt.Errorf("asking for the subordinate group IDs of the user %s: %w", owner, err)
	}
	if string(users) != string(groups) {
		return Range{}, fmt.Errorf("the user %s has other subordinate IDs for users than for groups: make them the same in /etc/subuid and /etc/subgid", owner)
	}
	return parse(string(users))
}

// parse reads a line like "0: kubelet 65536 7208960".
func parse(output string) (Range, error) {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	fields := strings.Fields(lines[0])
	if len(lines) != 1 || len(fields) != 4 {
		return Range{}, fmt.Errorf("the user %s has %q for subordinate IDs: want one range", owner, output)
	}
	first, firstErr := strconv.ParseUint(fields[2], 10, 32)
	length, lengthErr := strconv.ParseUint(fields[3], 10, 32)
	if err := errors.Join(firstErr, lengthErr); err != nil {
		return Range{}, fmt.Errorf("reading the subordinate IDs of the user %s: %w", owner, err)
	}
	return Range{uint32(first), uint32(length)}, nil
}
