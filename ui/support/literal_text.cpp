// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/literal_text.h"

#include <QJsonArray>
#include <QJsonObject>

namespace portolan::ui {

namespace {

constexpr int deepest = 64;

/// Recursive descent over what both notations have in common; QJsonDocument reads neither Python nor a text that is
/// cut.
class Reader final
{
public:
    explicit Reader(const QString &text) : m_text(text) {}
    bool cut() const { return m_cut; }
    bool ended()
    {
        skipBlanks();
        return m_at >= m_text.size();
    }

    /// Undefined: there is none.
    QJsonValue value(int depth = 0)
    {
        skipBlanks();
        if (atEnd() || depth > deepest)
            return QJsonValue::Undefined;
        const QChar first = m_text[m_at];
        if (first == '{')
            return object(depth);
        if (first == '[' || first == '(')
            return array(first == '[' ? ']' : ')', depth);
        if (first == '"' || first == '\'')
            return string();
        return word(depth > 0);
    }

    bool take(QChar expected)
    {
        skipBlanks();
        if (atEnd() || m_text[m_at] != expected)
            return false;
        ++m_at;
        return true;
    }

private:
    bool atEnd() const { return m_at >= m_text.size(); }
    QJsonValue closed(const QJsonValue &value)
    {
        m_cut = true;
        return value;
    }
    void skipBlanks()
    {
        while (m_at < m_text.size() && m_text[m_at].isSpace())
            ++m_at;
    }

    QJsonValue object(int depth)
    {
        QJsonObject members;
        ++m_at;
        while (!take('}')) {
            const QJsonValue name = value(depth + 1);
            const bool named = !name.isUndefined() && !name.isObject() && !name.isArray() && take(':');
            const QJsonValue member = named ? value(depth + 1) : QJsonValue(QJsonValue::Undefined);
            if (!member.isUndefined())
                members.insert(name.isString() ? name.toString() : name.toVariant().toString(), member);
            if (atEnd())
                return closed(members);
            if (member.isUndefined())
                return QJsonValue::Undefined;
            take(',');
        }
        return members;
    }

    QJsonValue array(QChar end, int depth)
    {
        QJsonArray elements;
        ++m_at;
        while (!take(end)) {
            const QJsonValue element = value(depth + 1);
            if (!element.isUndefined())
                elements.append(element);
            if (atEnd())
                return closed(elements);
            if (element.isUndefined())
                return element;
            take(',');
        }
        return elements;
    }

    QJsonValue string()
    {
        const QChar quote = m_text[m_at++];
        QString content;
        for (; m_at < m_text.size() && m_text[m_at] != quote; ++m_at) {
            if (m_text[m_at] == '\\' && m_at + 1 < m_text.size())
                content += escaped();
            else
                content += m_text[m_at];
        }
        if (atEnd())
            return closed(content + QChar(0x2026));
        ++m_at;
        return content;
    }

    /// At the backslash before, at the last of the escape's letters after.
    QChar escaped()
    {
        const QChar kind = m_text[++m_at];
        const int digits = kind == 'u' ? 4 : kind == 'x' ? 2 : 0;
        if (digits > 0) {
            bool valid = false;
            const uint code = m_text.mid(m_at + 1, digits).toUInt(&valid, 16);
            if (valid && m_at + digits < m_text.size()) {
                m_at += digits;
                return QChar(ushort(code));
            }
        }
        return kind == 'n' ? QChar('\n') : kind == 't' ? QChar('\t') : kind == 'r' ? QChar('\r') : kind;
    }

    QJsonValue word(bool nested)
    {
        const auto from = m_at;
        while (!atEnd() && (m_text[m_at].isLetterOrNumber() || QStringLiteral("+-._").contains(m_text[m_at])))
            ++m_at;
        const QString word = m_text.mid(from, m_at - from);
        if (word == "true" || word == "True")
            return true;
        if (word == "false" || word == "False")
            return false;
        if (word == "null" || word == "None")
            return QJsonValue::Null;
        if (nested && atEnd())
            return QJsonValue::Undefined; // it may have gone on
        bool isNumber = false;
        const double number = word.toDouble(&isNumber);
        if (!isNumber)
            return QJsonValue::Undefined;
        bool isWhole = false;
        const qlonglong whole = word.toLongLong(&isWhole); // an id has more digits than a double keeps
        return isWhole ? QJsonValue(whole) : QJsonValue(number);
    }

    const QString &m_text;
    qsizetype m_at = 0;
    bool m_cut = false;
};

} // namespace

std::optional<Literals> readLiterals(const QString &text)
{
    Reader reader(text);
    Literals found;
    while (!reader.ended()) {
        const QJsonValue value = reader.value();
        if (value.isUndefined())
            return std::nullopt;
        found.values.append(value);
        reader.take(',');
    }
    found.cut = reader.cut();
    return found;
}

} // namespace portolan::ui
