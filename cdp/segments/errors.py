"""What is wrong with an expression, and where, in Chinese and English."""

from __future__ import annotations


class ExpressionError(ValueError):
    """The expression cannot be read, or its types do not fit.

    position: 0-based offset of what is wrong; length: how many characters it has; `zh` and `en`
    say what was found there and what is expected.
    """

    def __init__(self, position: int, length: int, zh: str, en: str):
        super().__init__(f"at character {position + 1}: {en}")
        self.position = position
        self.length = max(length, 1)
        self.zh = zh
        self.en = en

    def message(self, language: str = "zh") -> str:
        """One sentence with the place."""
        if language == "zh":
            return f"第 {self.position + 1} 个字符：{self.zh}"
        return f"at character {self.position + 1}: {self.en}"
