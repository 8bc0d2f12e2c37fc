"""Which names are the same name: nicknames, and spellings of names from other scripts. Tables only.

A group is written first/second/third; the first is the name as the population holds it.
"""

from __future__ import annotations

from collections.abc import Mapping


def _groups(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(group.strip().split("/")) for group in " ".join(text.split()).split(","))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((group[0], group[1]) for group in _groups(text))


_NICKNAMES = _groups("""
    Alexander/Alex/Sandy, Alexandra/Alex/Sandra, Amanda/Mandy, Andrea/Andie, Andrew/Andy/Drew, Anthony/Tony,
    Barbara/Barb/Babs, Benjamin/Ben/Benny, Catherine/Cathy/Kate, Charles/Charlie/Chuck, Charlotte/Lottie,
    Christina/Tina/Chris, Christine/Chris/Tina, Christopher/Chris/Kit, Cynthia/Cindy, Daniel/Dan/Danny,
    Deborah/Deb/Debbie, Donald/Don, Dorothy/Dot/Dottie, Douglas/Doug, Edmund/Ned/Eddie, Edward/Ed/Ted,
    Eleanor/Ellie/Nora, Elizabeth/Liz/Beth/Betty, Emily/Em, Francisco/Paco/Pancho, Friedrich/Fritz, Gerald/Gerry,
    Gregory/Greg, Guadalupe/Lupe, Henry/Harry/Hank, Ignacio/Nacho, James/Jim/Jimmy, Janet/Jan, Jeffrey/Jeff,
    Jennifer/Jen/Jenny, Jessica/Jess, Johannes/Hannes, John/Jack/Johnny, Jonathan/Jon, Joseph/Joe, José/Pepe,
    Joshua/Josh, Katherine/Kathy/Kate, Kenneth/Ken, Kimberly/Kim, Lawrence/Larry, Leonard/Len, Manuel/Manolo,
    Margaret/Maggie/Peggy/Meg, María/Mari, Matthew/Matt, Megan/Meg, Melissa/Mel, Michael/Mike/Mick, Nathan/Nate,
    Nicholas/Nick, Nicole/Nicky, Pamela/Pam, Patricia/Pat/Tricia, Patrick/Pat/Paddy, Peter/Pete, Philip/Phil,
    Rebecca/Becky, Richard/Dick/Rick, Robert/Bob/Rob, Ronald/Ron, Rosalind/Roz, Samantha/Sam, Samuel/Sam,
    Sandra/Sandy, Stephanie/Steph, Stephen/Steve, Steven/Steve, Susan/Sue, Teresa/Tess, Theodore/Theo/Ted,
    Thomas/Tom, Timothy/Tim, Victoria/Vicky, Vincent/Vince, Walter/Walt, William/Bill/Will, Zachary/Zach, Aadi/Adi,
    Aishani/Ishani, Anamika/Anu, Balendra/Balu, Bhavini/Bhavi, Chandani/Chandu, Damyanti/Damu, Ganesh/Gannu,
    Harish/Harry, Siddharth/Sid, Aleksandr/Sasha, Aleksandra/Sasha, Dmitriy/Dima, Ekaterina/Katya, Tatyana/Tanya,
    Vladimir/Volodya, Mohammed/Mo, Abdulrahman/Abdul
""")

NICKNAMES: Mapping[str, tuple[str, ...]] = {group[0]: group[1:] for group in _NICKNAMES}
"""Formal name to the names people go by."""

ARABIC_MALE = _groups("""
    Mohammed/Muhammad/Mohamed/Mohammad, Ahmed/Ahmad, Abdullah/Abdallah, Abdulrahman/Abdul Rahman,
    Hussein/Husain/Hossein, Hassan/Hasan, Omar/Umar, Othman/Uthman/Osman, Khalid/Khaled, Yusuf/Youssef/Yousef,
    Ibrahim/Ebrahim, Said/Saeed/Sayeed, Mustafa/Moustafa/Mostafa, Tariq/Tarek, Jamal/Gamal, Salih/Saleh,
    Suleiman/Sulayman/Soliman, Karim/Kareem, Nasser/Nasir, Rashid/Rasheed, Faisal/Faysal, Bilal/Belal,
    Ismail/Ismael, Yasir/Yasser
""")

ARABIC_FEMALE = _groups("""
    Fatima/Fatimah/Fathima, Aisha/Ayesha/Aicha, Khadija/Khadijah/Khadeeja, Maryam/Mariam, Zainab/Zaynab/Zeinab,
    Amina/Aminah/Ameena, Layla/Leila/Laila, Noor/Nour, Huda/Hoda, Salma/Selma, Yasmin/Yasmeen/Jasmin,
    Samira/Sameera, Nadia/Nadiya, Rania/Raniya, Hanan/Hanaan, Safiya/Safia, Ruqayya/Rukaya, Jamila/Gamila/Jameela,
    Karima/Kareema, Sumaya/Soumaya
""")

ARABIC_FAMILY = _groups("""
    Al-Hashimi/Alhashemi/El Hashimi, Al-Masri/El-Masry/Almasri, Haddad/Hadad, Khoury/Khouri,
    Al-Sayed/El-Sayed/Alsayyid, Nasrallah/Nasralla, Shaikh/Sheikh/Shaykh, Qureshi/Quraishi/Koreishi,
    Siddiqui/Siddiqi/Sidiki, Ansari/Ansary, Al-Farsi/Alfarsi, Mansour/Mansoor, Najjar/Najar, Al-Khatib/El
    Khatib/Alkhateeb, Aziz/Azeez, Hamdan/Hamdaan, Darwish/Darweesh, Mirza/Meerza, Usmani/Osmani, Zubayri/Zubairi,
    Faruqi/Farooqi/Farouki, Bukhari/Bokhari, Malik/Malek, Rizvi/Rizwi, Al-Amin/Alameen, Jaffari/Jafari
""")

HAN_SURNAMES = _groups("""
    Wang/Wong, Zhang/Chang/Cheung, Li/Lee, Chen/Chan, Liu/Lau, Huang/Wong/Hwang, Zhou/Chou/Chow, Wu/Ng, Xu/Hsu,
    Zhao/Chao/Chiu, Lin/Lam, Zheng/Cheng, Xie/Hsieh/Tse, Guo/Kuo/Kwok, Cai/Tsai/Choi, Ye/Yip, Jiang/Chiang,
    Qian/Chien
""")

HAN_GIVEN = _groups("""
    Xiaomei/Xiao-Mei/Hsiao-mei, Jianguo/Jian-Guo/Chien-kuo, Yan/Yen, Wei/Wai, Xiuying/Xiu-Ying,
    Zhiqiang/Zhi-Qiang/Chih-chiang, Jing/Ching, Junjie/Jun-Jie/Chun-chieh, Lihua/Li-Hua, Haoran/Hao-Ran,
    Meiling/Mei-Ling, Guoqiang/Guo-Qiang, Yuxin/Yu-Xin/Yu-hsin, Zihan/Zi-Han/Tzu-han, Xinyi/Xin-Yi/Hsin-yi,
    Jiahao/Jia-Hao/Chia-hao, Qiuyue/Qiu-Yue, Dawei/Da-Wei/Ta-wei, Fang/Fong, Qiang/Chiang
""")

_OTHERS = _groups("""
    Choudhary/Chaudhary/Chowdhury/Chaudhari, Krishna/Krisna/Krushna, Lakshmi/Laxmi, Srinivas/Shrinivas/Sreenivas,
    Mukherjee/Mukerji/Mookerjee, Banerjee/Banerji, Agarwal/Aggarwal/Agrawal, Sharma/Sarma, Ray/Roy/Rai, Bose/Basu,
    Desai/Dessai, Viswanathan/Vishwanathan, Meyer/Maier/Mayer, Schmidt/Schmitt, Sarah/Sara,
    Catherine/Katherine/Kathryn, Stephen/Steven, Smith/Smyth, Brown/Browne, Clark/Clarke, Gonzalez/Gonzales,
    Aleksandr/Alexander/Alexandr, Yuliya/Julia/Yulia
""")

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    group[0]: group[1:]
    for table in (ARABIC_MALE, ARABIC_FEMALE, ARABIC_FAMILY, HAN_SURNAMES, HAN_GIVEN, _OTHERS)
    for group in table
}
"""A name to the other ways it is written in Latin letters."""

ROMANIZATION: Mapping[str, str] = dict(
    _pairs("""
    а/a, б/b, в/v, г/g, д/d, е/e, з/z, и/i, й/y, к/k, л/l, м/m, н/n, о/o, п/p, р/r, с/s,
    т/t, у/u, ф/f, ы/y, э/e, ж/zh, х/kh, ц/ts, ч/ch, ш/sh, щ/shch, ю/yu, я/ya, ё/yo, ь/, ъ/
    """)  # noqa: RUF001
)
"""As passports write it."""
RULES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "en_IN": _pairs("aa/a, ee/i, oo/u, sh/s, th/t, v/w, ksh/x, iya/ia, ndra/nder, dh/d, i/ee, u/oo"),
    "ru_RU": _pairs("shch/schtsch, zh/sch, kh/ch, ts/z, ch/tsch, yu/ju, ya/ja, v/w, iy/ij"),
    "de_DE": _pairs("ä/ae, ö/oe, ü/ue, ß/ss"),
}
"""Letters that clerks write in another way, by culture."""
NEAR_KEYS: Mapping[str, str] = dict(
    _pairs("""
    a/sq, b/vn, c/xv, d/sf, e/wr, f/dg, g/fh, h/gj, i/uo, j/hk, k/jl, l/k, m/n,
    n/mb, o/ip, p/o, q/wa, r/et, s/ad, t/ry, u/yi, v/cb, w/qe, x/zc, y/tu, z/x
    """)
)
"""Keys beside a key."""
