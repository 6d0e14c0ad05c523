"""What counts as sound or film: one list of suffixes and one of FFmpeg's demuxers, for single clips and batches."""

from __future__ import annotations

SOUND = {
    ".3ga", ".8svx", ".aa", ".aac", ".ac3", ".adx", ".aif", ".aifc", ".aiff", ".amr", ".ape", ".au", ".avr", ".awb",
    ".caf", ".dsf", ".dts", ".eac3", ".ec3", ".flac", ".g722", ".gsm", ".ircam", ".latm", ".loas", ".m4a", ".m4b",
    ".m4r", ".mka", ".mlp", ".mmf", ".mp1", ".mp2", ".mp3", ".mpa", ".mpc", ".nist", ".oga", ".ogg", ".oma", ".opus",
    ".paf", ".pvf", ".qcp", ".qoa", ".ra", ".rf64", ".sf", ".shn", ".snd", ".sox", ".sph", ".spx", ".svx", ".tak",
    ".thd", ".tta", ".voc", ".w64", ".wav", ".wave", ".weba", ".wma", ".wv",
}  # fmt: skip
FILM = {
    ".3g2", ".3gp", ".3gpp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gxf", ".m2t", ".m2ts", ".m2v", ".m4v",
    ".mk3d", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogm", ".ogv", ".ogx", ".qt", ".rm",
    ".rmvb", ".ts", ".vob", ".webm", ".wmv", ".wtv",
}  # fmt: skip

# All of FFmpeg's demuxers that hold sound, but those that open other files, addresses or devices (hls, dash, concat,
# imf, image2, sdp, ...), those that run scripts, and headerless samples, whose rate it would have to guess.
# A named list keeps what is left out from being found by content.
DEMUXERS = (
    "3dostr,aa,aac,aax,ac3,ac4,ace,acm,act,adp,ads,adx,aea,afc,aiff,aix,alp,amr,amrnb,amrwb,apac,apc,ape,apm,aptx,"
    "aptx_hd,argo_asf,argo_cvg,asf,asf_o,ast,au,avi,avr,bfstm,boa,bonk,brstm,caf,codec2,daud,dcstr,derf,dfpwm,dhav,"
    "dsf,dss,dts,dtshd,dv,eac3,epaf,flac,flv,fsb,fwse,g722,g723_1,g728,g729,genh,gsm,gxf,hca,hcom,iamf,iff,ifv,ilbc,"
    "ircam,iss,kvag,laf,lc3,lmlm4,loas,lvf,lxf,matroska,mca,mgsts,mlp,mmf,mov,mp3,mpc,mpc8,mpeg,mpegts,mpegtsraw,"
    "mpegvideo,msf,msnwctcp,mtaf,musx,mxf,nistsphere,nsp,nsv,nut,ogg,oma,osq,paf,pmp,pva,pvf,qcp,qoa,redspark,rka,rm,"
    "roq,rpl,rsd,rso,sbc,sdns,sds,sdx,shn,siff,sol,sox,spdif,svag,svs,swf,tak,truehd,tta,vag,vivo,voc,vpk,vqf,w64,"
    "wady,wav,wavarc,wsd,wtv,wv,wve,xa,xvag,xwma"
)
# Formats whose headers or last pages tell the length; of the others FFmpeg only guesses it from the bit rate.
MEASURED = {"aiff", "ape", "caf", "flac", "mov,mp4,m4a,3gp,3g2,mj2", "mp3", "ogg", "tta", "w64", "wav", "wv"}
