"The repository's folder, and what settings.ini says"
from configparser import ConfigParser
from pathlib import Path

root = Path(__file__).resolve().parent.parent
ini = ConfigParser(delimiters=['='])
ini.read(root/'settings.ini', encoding='utf-8')
settings = ini['DEFAULT']


def lines(key):
    "A list in settings.ini, such as 'requirements'"
    return [o for o in settings[key].splitlines() if o]
