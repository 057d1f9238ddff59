"""Numbers that a text claims, held against what was recorded. Reads prose, tables and annotations; knows no runs.

Prose is understood only where it can be read in one way: a wrong reading that comes out as "supported" would be worse
than none. What is not understood is listed with the reason, and an HTML comment can say it exactly:

    <!-- runaudit: full_frame/psnr "flow staged" vs "TERN staged" = +0.9 dB -->
    <!-- runaudit: full_frame/psnr "flow staged" = 30.1 -->
    <!-- runaudit: metric = full_frame/psnr -->       the metric from here on, where the text names none
    <!-- runaudit: ignore -->                         the paragraph or table that follows is not about these runs
"""
