"""Right files of every kind that `fuzz.py` mutates."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np

TEXTS: dict[str, list[str]] = {  # right ones
    "faces": [
        "Timecode,BlendShapeCount,JawOpen,EyeBlinkLeft,HeadYaw\n00:00:01:02.5,61,0.5,0,0.1\n00:00:01:03.5,61,,0,0.1\n",
        ",timeCode,blendShapes.JawOpen\n0,0.0,0.1\n1,0.033,nan\n2,0.066,0.2\n",
        "timeCode;JawOpen\n0,0;0,5\n0,1;0,6\n",
        '{"facsNames": ["jawOpen"], "weightMat": [[0.1], [null], [NaN], [0.2], [0.3]], "exportFps": 60}',
        '{"format": "emosplat-face-motion-1", "fps": 25, "columns": ["jawPitch", "mouthPucker"], "frames": [[0.1, 0]],'
        ' "given": {"jaw": [[0, 1]]}}',
    ],
    "manifests": [
        "audio,emotion,intensity,text,language\na.wav,happy,0.5,hello,de\n",
        "audio;id;emotion_track\na.wav;b;c.csv\n",
        "client_id\tpath\tsentence\tlocale\nx\ta.mp3\thallo\tde\n",
        '[{"audio": "a.wav", "intensity": 0.5}]',
        '{"audio": "a.wav", "seed": 3}\n{"file_name": "b.wav", "out": "b"}\n',
        "file_name,label\na.wav,angry\n",
    ],
    "transcripts": [
        "$5.50 in 1984, 3/4 at 10:30 on the 21st",
        "1\n00:00:01,000 --> 00:00:02,500\n<i>hello</i> {x}\n\n2\n00:00:03,000 --> 00:00:04,000\nthere\n",
        "WEBVTT\n\n00:01.000 --> 00:02.000 align:left\n<v Anna>hello [music]\n",
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n2\n<exists>\n1\n'
        '"IntervalTier"\n"words"\n0\n2\n1\n0\n2\n"hi"\n',
        "0 1000000 sil\n1000000 5000000 hello\n",
        "a 1 0.5 0.3 hello 0.9\n",
        '{"segments": [{"text": "hello", "start": 0.5, "end": 1}]}',
        "ɡˈuːtən tˈɑːk tʃ ts øː ʁ ɲ",
        "pt_BR",
    ],
    "scores": [
        "<score-partwise><part-list><score-part id='a'><part-name>b</part-name></score-part></part-list><part id='a'>"
        "<measure number='1'><attributes><divisions>2</divisions><transpose><chromatic>1</chromatic></transpose>"
        "</attributes><direction><direction-type><metronome><beat-unit>half</beat-unit><per-minute>90</per-minute>"
        "</metronome></direction-type></direction><note><pitch><step>C</step><octave>4</octave></pitch>"
        "<duration>3</duration><tie type='start'/><lyric number='1'><syllabic>begin</syllabic><text>hel</text></lyric>"
        "</note></measure></part></score-partwise>",
        "<score-timewise><measure><part id='a'><note><rest/><duration>1</duration></note><note><chord/><unpitched/>"
        "<duration>1</duration><lyric><text>two</text><elision/><text>to</text></lyric></note><backup><duration>1"
        "</duration></backup><sound tempo='99'/><barline><ending number='1,2' type='start'/><repeat"
        " direction='backward' times='3'/></barline></part></measure></score-timewise>",
        "<container><rootfiles><rootfile full-path='a.xml'/></rootfiles></container>",
        "[#VERSION]\nCharset=UTF-8\n[#SETTING]\nTempo=120,5\n[#0000]\nLength=480\nLyric=a かっしゃん_C4\nNoteNum=60\n"
        "[#0001]\nLength=240\nLyric=a k\nNoteNum=60\nTempo=90\n[#0002]\nLength=9\nLyric=kya\nNoteNum=6\n[#TRACKEND]",
        "resolution: 480\nbpm: 120\ntempos:\n- {position: 0, bpm: 90}\ntracks:\n- track_name: a\nvoice_parts:\n"
        "- track_no: 0\n  position: 480\n  notes:\n  - {position: 0, duration: 480, tone: 60, lyric: star[s t aa r]}\n"
        "  - {position: 480, duration: 480, tone: 9, lyric: +}\n  - {position: 960, duration: 48, tone: 6, lyric: a}\n",
        "0 1500000 pau\n1500000 3000000 cl\n3000000 3500000 ky\n3500000 9000000 a\n",
        "0.0 0.5 HH\n0.5 1.5 OW1\n",
        "0 1500000 x^x-k+a=b/A:1\n1500000 3000000 x^k-a+b=c/A:1\n",
    ],
    "styles": [
        '{"format": "emosplat-style-1", "name": "a", "gains": {"head": 0.5}, "statistics": {"jaw.size": 0.1},'
        ' "poses": [{"head_yaw": 0.1}], "examples": [{"kind": "film", "name": "a.mp4", "seconds": 4.5, "sha256": ""}]}',
        "time_s,kind,strength\n0.5,stress,0.8\n1,end,1\n",
    ],
    "cameras": [
        '{"azimuth": 20, "elevation": 5, "distance": 1}',
        '{"keyframes": [{"time_s": 0, "azimuth": 0}, {"time_s": 1, "azimuth": 30}]}',
        '{"fl_x": 500, "fl_y": 500, "cx": 32, "cy": 32, "w": 64, "h": 64,'
        ' "frames": [{"transform_matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,1],[0,0,0,1]]}]}',
        '[{"id": 0, "img_name": "a", "width": 64, "height": 64, "position": [0,0,1],'
        ' "rotation": [[1,0,0],[0,1,0],[0,0,1]], "fx": 500, "fy": 500}]',
        '{"camera_path": [{"camera_to_world": [1,0,0,0,0,1,0,0,0,0,1,1,0,0,0,1], "fov": 50, "aspect": 1}], "fps": 24,'
        ' "seconds": 1, "render_width": 64, "render_height": 64}',
    ],
    "recordings": [
        '{"id": "a", "file": "a.wav", "text": "hi", "lang": "de", "phones": [["SIL", 0, 0.5], ["AA", 0.5, 1]]}'
    ],
    "captured": [
        '{"frames": [{"file_path": "images/a.png", "flame_param_path": "flame_param/00000.npz", "timestep_index": 0,'
        ' "camera_index": 0, "w": 64, "h": 64, "cx": 32, "cy": 32, "fl_x": 500, "fl_y": 500,'
        ' "transform_matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,1],[0,0,0,1]]}]}'
    ],
    "typed": [
        "emotion=angry:0.5,sad\nsize=64x64\nfps=30000/1001\nseed=5\ntrack=2",
        "avatar=a,b emotion=angry:0.6+sad,happy",
    ],
    "robots": [
        "format: emosplat-robot-1\nname: a\nface: person1\nrate: 50\nservos:\n  - {name: jaw, kind: joint,"
        " moves: jaw-pitch, travel: 22, limits: [-5, 60], neutral: 0, speed: 600, acceleration: 20000, channel: 1}\n",
        "time_s,jaw,brow\n0,1,2\n0.04,2,3\n",
    ],
    "subtitles": [
        "WEBVTT\n\n00:00.500 --> 00:01.000\nbrows: raise 0.8\nhead: nod slightly\n\nNOTE x\n\n1\n"
        "01:02:03.000 --> 01:02:04.000\ngaze: left; mouth: smile\n",
        "happy@1.5",
        "jawOpen=0.5,mouthSmileLeft=1@0:02",
        "1.5:2.5",
    ],
    "words": ["a little nervous but smiling, then furious:0.5 + calm", "starts calm, ends furious"],
    "messages": [
        '{"emotion": {"happy": 0.5}, "intensity": 1, "look_left": 10, "style": "calm"}',
        '{"format": "mp4", "emotion": "angry:0.5,sad", "size": "64x64", "fps": "25", "background": "#202020"}',
        '{"participant": "p1", "list": 0}',
        '{"id": "0123456789abcdef0123456789abcdef", "participant": "p1", "list": 0, "trial": 0,'
        ' "answers": [{"item": "answer", "response": "3", "rt_ms": 900}]}',
    ],
    "answers": [
        "participant,list,trial,task,item,response,rt_ms,received\np1,0,0,q,answer,3,900,2026-11-30T08:00:00Z\n",
        '{"participant": "p1", "list": 0, "trial": 0, "task": "q", "item": "answer", "response": "3", "rt_ms": 900}\n',
    ],
    "tracked": [
        '{"format": "emosplat-tracked-1", "id": "a", "file": "a.flac", "face": "a.json", "fps": 25, "frames": 3,'
        ' "seen": 1, "speaker": "", "text": "", "source": "a.mp4", "source_sha256": "", "offset_ms": null,'
        ' "notes": []}',
    ],
    "study": [
        "title: t\nseed: 1\nparticipants: 2\nclips: [{id: a, audio: a.wav}]\nconditions: {x: {emotion: happy},"
        " y: {videos: '{clip}.mp4', crop: [0, 0, 64, 64]}}\ntasks: [{id: q, type: rating, question: how}]\n"
    ],
}


def seeds(kind: str, folder: Path) -> list[bytes]:  # noqa: PLR0911
    """Files that are right, from which mutation begins; `folder` is to write in."""
    if kind in ("pickle", "flame"):
        value = {"a": np.arange(6.0).reshape(2, 3), "b": [1, "x", (2.5, None)], "c": np.float32(1)}
        files = [pickle.dumps(value, protocol) for protocol in range(6)]
        if kind == "flame":
            from scipy.sparse import csc_matrix

            files += [pickle.dumps({"J_regressor": csc_matrix(np.eye(5))}, protocol) for protocol in (0, 2, 4)]
            leaf = b"\x80\x02}U\x01ccchumpy.ch\nCh\n)\x81}U\x01x"
            files.append(leaf + pickle.dumps(np.zeros(3), 2)[2:-1] + b"sbs.")
        return files
    if kind == "ply":
        from emosplat.avatars.ply import write_ply  # not before fuzz_parsers.py has had its say
        from emosplat.renderer import Gaussians

        rng = np.random.default_rng(0)
        files = []
        for bands in (1, 4):
            g = Gaussians(*(rng.random(s).astype(np.float32) for s in ((2, 3), (2, 4), (2, 3), (2,), (2, bands, 3))))
            write_ply(folder / "seed.ply", g, binding=np.zeros(2, np.int32))
            files.append((folder / "seed.ply").read_bytes())
        return [
            *files,
            b"ply\nformat ascii 1.0\nelement vertex 1\n" + b"property float x\n" * 3 + b"end_header\n1 2 3\n",
        ]
    if kind == "npz":
        member, whole = io.BytesIO(), io.BytesIO()
        np.save(member, np.zeros((2, 100), np.float32))
        np.savez(whole, format=np.array("emosplat-head-1"), expr=np.zeros((2, 3), np.float32))
        return [member.getvalue(), whole.getvalue()]
    if kind == "tensors":
        from safetensors.numpy import save

        info = {"format": "emosplat-self-1", "robot": json.dumps({"name": "a"}), "unit": None, "held_out": {}}
        arrays = {"points": np.arange(3), "rest": np.zeros((3, 3), np.float32), "modes": np.zeros((1, 9), np.float32)}
        return [
            save(arrays, {"emosplat": json.dumps(info | {"format": f})})
            for f in ("emosplat-self-1", "emosplat-speech-1")
        ]
    if kind in TEXTS:
        return [text.encode() for text in TEXTS[kind]]
    if kind == "json":
        return [b'{"head": "open-1", "result": {"fps": 25.0}}']
    return [b"time_s,angry,sad\n0,0.5,0\n1.5,0,1\n", b"angry:0.6,sad:0.2"]
