from pathlib import Path

import pytest

from lakewright.ingest import charset, encoding

WORDS = {
    "cp1250": "Łódź Wrocław Kraków Gdańsk Święty Poznań Częstochowa śnieg źródło ćma Długa",
    "cp1251": "Москва Новосибирск Казань Екатеринбург улица Ленина Иван Петров",
    "koi8_r": "Москва Новосибирск Казань Екатеринбург улица Ленина Иван Петров",
    "cp1253": "Αθήνα Θεσσαλονίκη Πάτρα Ηράκλειο Γιώργος",
    "cp1256": "القاهرة بغداد الرياض دمشق",
    "cp1252": "Müller Straße Köln München Größe Orléans Besançon Nîmes Málaga Göteborg Malmö",
    "shift_jis": "東京 大阪 名古屋 こんにちは カタカナ 株式会社 山田太郎",
    "gb18030": "北京 上海 广州 有限公司 深圳市 中文测试",
    "big5": "台北 高雄 臺中 有限公司 中文測試",
    "euc_kr": "서울 부산 대구 인천 주식회사 안녕하세요",
}


@pytest.mark.parametrize("name", WORDS)
def test_the_encoding_is_known_by_the_words_of_its_language(name: str) -> None:
    lines = "".join(f"{number},{word},x\n" for number, word in enumerate(WORDS[name].split()))
    assert charset.guess(lines.encode(name)).name == name


@pytest.mark.parametrize("name", ["cp1250", "cp1251", "shift_jis"])
def test_a_file_in_another_encoding_is_read_to_the_letter(tmp_path: Path, name: str) -> None:
    table = "id,name\n" + "".join(f"1,{word}\n" for word in WORDS[name].split())
    path = tmp_path / "delivered"
    path.write_bytes(table.encode(name))
    text = encoding.as_utf8(path, None, tmp_path, "names.csv")
    assert (text.path.read_bytes().decode(), text.suspicion) == (table, None)
    assert text.evidence.startswith(f"encoding {name}: ")


@pytest.mark.parametrize("words", ["Besançon Orléans Nîmes français déjà", "Göteborg Malmö Skåne"])
def test_where_windows_1252_does_as_well_it_is_taken(words: str) -> None:
    assert charset.guess("\n".join(words.split()).encode("cp1252")).name == charset.WESTERN


def test_bytes_of_no_language_are_a_guess() -> None:
    hebrew = "ירושלים\nתל\nאביב\nחיפה\nבאר\nשבע"
    assert charset.guess(hebrew.encode("cp1255")).confidence < 0.5
    assert charset.guess(b"\x81\x8d\x8f\x90\x9d").confidence < 0.5
