package imagegc

import (
	"fmt"
	"time"
)

// Settings are those fields of a KubeletConfiguration that are about images which nobody uses, by their names there.
type Settings struct {
	// ImageMinimumGCAge is how long ago an image must have been seen first to be removed for its space; zero is 2 minutes.
	ImageMinimumGCAge time.Duration
	// ImageMaximumGCAge is how long an image may stay that nobody uses; zero is for ever.
	ImageMaximumGCAge time.Duration
	// ImageGCHighThresholdPercent is from how full a disk on images are removed, 85 if nil, and ImageGCLowThresholdPercent down to how
	// full, 80 if nil. With a high threshold of 100 none is removed for its space.
	ImageGCHighThresholdPercent, ImageGCLowThresholdPercent *int32
}

// Check says what the kubelet refuses of the settings.
func (s Settings) Check() error {
	_, err := s.parse()
	return err
}

// policy is what Settings come down to.
type policy struct {
	minAge, maxAge time.Duration
	high, low      int64
}

// parse refuses what the kubelet refuses.
func (s Settings) parse() (policy, error) {
	p := policy{minAge: s.ImageMinimumGCAge, maxAge: s.ImageMaximumGCAge, high: 85, low: 80}
	if p.minAge == 0 {
		p.minAge = 2 * time.Minute
	}
	if s.ImageGCHighThresholdPercent != nil {
		p.high = int64(*s.ImageGCHighThresholdPercent)
	}
	if s.ImageGCLowThresholdPercent != nil {
		p.low = int64(*s.ImageGCLowThresholdPercent)
	}
	switch {
	case p.high < 0 || p.high > 100:
		return p, fmt.Errorf("imageGCHighThresholdPercent is %d: want a number from 0 to 100", p.high)
	case p.low < 0 || p.low >= p.high:
		return p, fmt.Errorf("imageGCLowThresholdPercent is %d: want a number from 0 to below imageGCHighThresholdPercent, which is %d", p.low, p.high)
	case p.maxAge != 0 && p.maxAge <= p.minAge:
		return p, fmt.Errorf("imageMaximumGCAge is %s: want 0, or more than imageMinimumGCAge, which is %s", p.maxAge, p.minAge)
	}
	return p, nil
}
