#include "ui/support/log_sentence.h"

#include <QCoreApplication>
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

} // namespace

QString logSentence(const LogLine &line)
{
    static const QRegularExpression field(R"re( (\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*)))re");
    const QString whole = QString::fromStdString(line.message);
    QString why, kept, mend;
    qsizetype messageEnds = whole.size();
    for (auto found = field.globalMatch(whole); found.hasNext();) {
        const auto match = found.next();
        messageEnds = std::min(messageEnds, match.capturedStart());
        QString value = match.captured(2).isNull() ? match.captured(3) : match.captured(2);
        value.replace("\\\"", "\"");
        if (match.captured(1) == "why")
            why = value;
        else if (match.captured(1) == "kept_as")
            kept = value;
        else if (match.captured(1) == "mend")
            mend = value;
    }
    QString sentence = capitalised(withoutStop(whole.left(messageEnds)));
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
