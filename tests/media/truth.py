"""What a media file holds and what it says it holds, by ffprobe's own decoding."""
import dataclasses
import json
import re
import subprocess


@dataclasses.dataclass
class Stream:
    frames: list     # (begin, end) of each decoded frame, seconds on the file's time axis, in their order
    stated: float    # where the stream should end by what the file states about it; 0 if it states nothing
    count: int       # frames the file states; 0 if it states none

    @property
    def end(self):
        return max((end for _, end in self.frames), default=0.0)

    @property
    def begin(self):
        return min((begin for begin, _ in self.frames), default=0.0)

    def holes(self, least):
        """Stretches of at least `least` seconds between frames and up to the stated end."""
        found, at = [], None
        for begin, end in sorted(self.frames):
            if at is not None and begin - at >= least:
                found.append((at, begin))
            at = end if at is None else max(at, end)
        if self.stated and at is not None and self.stated - at >= least:
            found.append((at, self.stated))
        return found

    def steps_back(self):
        return any(later < earlier - 0.5 for (earlier, _), (later, _) in zip(self.frames, self.frames[1:]))

    def shows(self, time, slack):
        return any(begin - slack <= time <= end + slack for begin, end in self.frames)


def probe(path, kind):
    """The first stream of `kind` ("v" or "a"), None if the file has none that can be read."""
    entries = ("stream=time_base,nb_frames,duration,start_time,avg_frame_rate,sample_rate:stream_tags=DURATION:format=duration,start_time,format_name,nb_streams:"
               "frame=pts_time,best_effort_timestamp_time,pkt_duration_time,duration_time,nb_samples")
    done = subprocess.run(["ffprobe", "-v", "quiet", "-threads", "1", "-select_streams", kind + ":0", "-show_entries", entries, "-of", "json", str(path)],
                          capture_output=True, text=True, errors="replace", timeout=120)
    data = json.loads(done.stdout or "{}")
    if not data.get("streams"):
        return None
    stream, form = data["streams"][0], data.get("format", {})
    zero = number(form.get("start_time"))
    usual = usual_duration(stream)
    frames = []
    for frame in data.get("frames", []):
        stamp = frame.get("best_effort_timestamp_time", frame.get("pts_time"))
        if stamp in (None, "N/A"):
            continue
        length = int(frame["nb_samples"]) / int(stream["sample_rate"]) if "nb_samples" in frame else max(number(frame.get("duration_time", frame.get("pkt_duration_time"))), usual)
        frames.append((float(stamp) - zero, float(stamp) - zero + length))
    return Stream(frames, stated_end(stream, form, zero), int(number(stream.get("nb_frames"))))


def number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return 0.0


def usual_duration(stream):
    top, _, bottom = stream.get("avg_frame_rate", "0/0").partition("/")
    return number(bottom) / number(top) if number(top) > 0 else 0.0


def stated_end(stream, form, zero):
    name = form.get("format_name", "")
    if any(measured in name for measured in ("mpegts", "mpeg", "ogg", "mp3")):
        return 0.0  # the program reads these lengths off the data, or estimates them
    if name == "avi":
        return number(stream.get("nb_frames")) * usual_duration(stream)
    if number(stream.get("duration")) > 0:
        return number(stream.get("start_time")) - zero + number(stream["duration"])
    tag = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.get("tags", {}).get("DURATION", ""))
    return int(tag[1]) * 3600 + int(tag[2]) * 60 + float(tag[3]) - zero if tag else 0.0
