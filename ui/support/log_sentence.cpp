// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/support/log_sentence.h"

#include <QCoreApplication>
#include <QHash>
#include <QRegularExpression>

namespace portolan::ui {

namespace {

QString tr(const char *source) { return QCoreApplication::translate("log", source); }

QString withoutStop(QString text)
{
    while (text.endsWith('.') || text.endsWith(' '))
        text.chop(1);
    return text;
}

QString capitalised(QString text)
{
    if (!text.isEmpty())
        text[0] = text[0].toUpper();
    return text;
}

struct Parts
{
    QString message;
    QHash<QString, QString> fields;
};

Parts partsOf(const QString &whole)
{
    static const QRegularExpression field(R"re( (\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*)))re");
    Parts parts;
    qsizetype messageEnds = whole.size();
    for (auto found = field.globalMatch(whole); found.hasNext();) {
        const auto match = found.next();
        messageEnds = std::min(messageEnds, match.capturedStart());
        QString value = match.captured(2).isNull() ? match.captured(3) : match.captured(2);
        parts.fields.insert(match.captured(1), value.replace("\\\"", "\""));
    }
    parts.message = whole.left(messageEnds);
    return parts;
}

} // namespace

QString logMessage(const LogLine &line) { return partsOf(QString::fromStdString(line.message)).message; }

QString logField(const LogLine &line, const QString &name)
{
    return partsOf(QString::fromStdString(line.message)).fields.value(name);
}

QString logSentence(const LogLine &line)
{
    const Parts parts = partsOf(QString::fromStdString(line.message));
    const QString why = parts.fields.value("why"), kept = parts.fields.value("kept_as"),
                  mend = parts.fields.value("mend");
    QString sentence = capitalised(withoutStop(parts.message));
    if (!why.isEmpty())
        sentence += ": " + withoutStop(why);
    sentence += '.';
    if (!kept.isEmpty())
        sentence += ' ' + tr("It is kept as %1.").arg(kept);
    if (!mend.isEmpty())
        sentence += ' ' + withoutStop(mend) + '.';
    return sentence;
}

} // namespace portolan::ui
