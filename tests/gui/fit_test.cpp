// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/gui/console_fixture.h"
#include "tests/gui/drawn_texts.h"
#include "ui/pages/page_table.h"
#include "ui/widgets/card.h"

#include <QAbstractItemView>
#include <QHelpEvent>
#include <QLineEdit>
#include <QPainter>
#include <QPlainTextEdit>
#include <QScrollArea>
#include <QTextDocument>
#include <QToolTip>

using namespace portolan;
using namespace portolan::ui;

namespace {

constexpr QChar ellipsis(0x2026);

/// What somebody sees of a page: the window around it, and of what scrolls all of it.
std::vector<QWidget *> surfacesOf(MainWindow &window)
{
    std::vector<QWidget *> surfaces{&window};
    for (const QScrollArea *area : window.findChildren<QScrollArea *>())
        if (area->isVisible() && area->widget())
            surfaces.push_back(area->widget());
    return surfaces;
}

template <class T> bool isWithin(const QWidget *widget, const QWidget *surface)
{
    for (; widget && widget != surface; widget = widget->parentWidget())
        if (qobject_cast<const T *>(widget))
            return true;
    return false;
}

QString toolTipAt(QWidget &widget, const QPoint &at)
{
    const QString none = "nothing was shown since"; // hiding one takes its time
    const QPoint place = widget.mapToGlobal(at);
    QToolTip::showText(place, none);
    QHelpEvent help(QEvent::ToolTip, at, place);
    QCoreApplication::sendEvent(&widget, &help); // whoever is around it is asked too
    const QString words = QToolTip::text();
    QToolTip::hideText();
    if (words == none)
        return {};
    if (!Qt::mightBeRichText(words))
        return words;
    QTextDocument document;
    document.setHtml(words);
    return document.toPlainText();
}

/// Whether words are all of what an elided text stands for.
bool tellsAll(const QString &words, const QString &elided)
{
    const QString begin = elided.section(ellipsis, 0, 0).trimmed();
    const QString end = elided.section(ellipsis, 1).trimmed();
    return words.contains(begin) && words.contains(end) && !words.contains(ellipsis) &&
           words.size() > begin.size() + end.size();
}

/// What is wrong with a text on a surface; empty: nothing.
QString problemOf(const DrawnText &drawn, QWidget &surface)
{
    QWidget *widget = drawn.by ? drawn.by : &surface;
    if (isWithin<QScrollArea>(widget, &surface))
        return {}; // a surface of its own
    if (isWithin<QLineEdit>(widget, &surface) || isWithin<QPlainTextEdit>(widget, &surface))
        return {};                                                   // they scroll
    const bool rows = isWithin<QAbstractItemView>(widget, &surface); // they scroll, but only up and down
    const QRectF room = QRectF(widget->rect()).translated(widget->mapTo(&surface, QPointF()));
    if (rows && (drawn.rect.top() > room.bottom() - 1 || drawn.rect.bottom() < room.top() + 1))
        return {};
    const QRectF missing = drawn.rect.adjusted(1, 1, -1, -1);
    const bool cutSide = drawn.seen.left() > missing.left() || drawn.seen.right() < missing.right();
    const bool cutHeight = drawn.seen.top() > missing.top() || drawn.seen.bottom() < missing.bottom();
    if (drawn.seen.isEmpty() || cutSide || (cutHeight && !rows))
        return "cut";
    if (drawn.text.contains(ellipsis)) {
        const QPoint at = widget->mapFrom(&surface, drawn.seen.center().toPoint());
        if (!tellsAll(toolTipAt(*widget, at), drawn.text))
            return "elided, and no tool tip has all of it (" + toolTipAt(*widget, at) + ")";
    }
    return {};
}

QStringList problemsOf(QWidget &surface)
{
    QStringList problems;
    const std::vector<DrawnText> texts = drawnTexts(surface);
    if (surface.isWindow() && texts.size() < 4)
        problems << "hardly anything was painted: this walk no longer sees it";
    for (const DrawnText &drawn : texts)
        if (const QString problem = problemOf(drawn, surface); !problem.isEmpty())
            problems << QString("\"%1\" is %2").arg(drawn.text, problem);
    for (auto one = texts.begin(); one != texts.end(); ++one)
        for (auto other = one + 1; other != texts.end(); ++other) {
            const QRectF both = one->seen & other->seen;
            if (both.width() > 1 && both.height() > 1)
                problems << QString("\"%1\" and \"%2\" are painted over each other").arg(one->text, other->text);
        }
    return problems;
}

QStringList problemsOf(MainWindow &window, const QString &page)
{
    QStringList problems;
    for (QWidget *surface : surfacesOf(window))
        for (const QString &problem : problemsOf(*surface))
            problems << page + ": " + problem;
    return problems;
}

/// The part of a card that is used: where something other than its ground is, or is nearer than a line of text. A line
/// is used from the first to the last of it: the columns of a table are read across.
double usedPart(QWidget &card)
{
    const QImage image = card.grab().toImage().convertToFormat(QImage::Format_RGB32);
    const int em = std::max(1, int(card.fontMetrics().height() * image.devicePixelRatio()));
    const int border = int(4 * image.devicePixelRatio());
    const QRgb ground = image.pixel(image.width() / 2, border);
    const QSize cells((image.width() - 2 * border) / em, (image.height() - 2 * border) / em);
    if (cells.isEmpty())
        return 1;
    std::vector<char> ink(std::size_t(cells.width()) * std::size_t(cells.height()));
    const auto cell = [&](int x, int y) -> char & {
        return ink[std::size_t(y) * std::size_t(cells.width()) + std::size_t(x)];
    };
    for (int y = 0; y < cells.height() * em; ++y) {
        const auto *line = reinterpret_cast<const QRgb *>(image.constScanLine(border + y)) + border;
        for (int x = 0; x < cells.width() * em; ++x)
            if (line[x] != ground)
                cell(x / em, y / em) = 1;
    }
    int used = 0;
    for (int y = 0; y < cells.height(); ++y) {
        int first = cells.width(), last = -1;
        for (int x = 0; x < cells.width(); ++x) {
            bool near = false;
            for (int beside = std::max(0, y - 1); beside <= std::min(cells.height() - 1, y + 1); ++beside)
                for (int at = std::max(0, x - 1); at <= std::min(cells.width() - 1, x + 1); ++at)
                    near |= cell(at, beside) != 0;
            if (near) {
                first = std::min(first, x);
                last = x;
            }
        }
        used += std::max(0, last - first + 1);
    }
    return double(used) / (cells.width() * cells.height());
}

} // namespace

/// Whatever the window's size, the scale of the screen (QT_SCALE_FACTOR: CMakeLists.txt) and the length of names: all
/// that is written can be read.
class FitTest final : public QObject
{
    Q_OBJECT
private slots:
    void whatIsWrongIsFound();
    void textsFit_data() { addLooks(); }
    void textsFit();
    void cardsOfTheOverviewAreFull_data() { addLooks(); }
    void cardsOfTheOverviewAreFull();

private:
    static void addLooks();
};

/// The walk itself: a label too narrow, two on one place, an elided one without its words, and one that is well.
void FitTest::whatIsWrongIsFound()
{
    QWidget surface;
    surface.resize(400, 300);
    const auto label = [&surface](const QString &text, const QRect &rect) {
        auto *made = new QLabel(text, &surface);
        made->setGeometry(rect);
        return made;
    };
    label("all of it", {10, 10, 200, 30});
    label("this has no room at all", {10, 50, 40, 30});
    label("one upon", {10, 90, 200, 30});
    label("another", {12, 92, 200, 30})->setAttribute(Qt::WA_TranslucentBackground);
    label(QString("elid") + ellipsis, {10, 130, 200, 30});
    label(QString("tol") + ellipsis, {10, 170, 200, 30})->setToolTip("told in full");
    label(QString("told in") + ellipsis, {210, 170, 100, 30});
    label("half as high", {10, 210, 200, 6});
    surface.show();
    ConsoleWindow::settle();
    const QStringList problems = problemsOf(surface);
    QCOMPARE(problems.filter("\"this has no room at all\" is cut").size(), 1);
    QCOMPARE(problems.filter("\"half as high\" is cut").size(), 1);
    QCOMPARE(problems.filter("painted over each other").size(), 1);
    QCOMPARE(problems.filter("no tool tip has all of it").size(), 2);
    QCOMPARE(problems.size(), 5);
    QVERIFY(usedPart(surface) < 0.7);
}

void FitTest::addLooks()
{
    QTest::addColumn<QString>("situation");
    QTest::addColumn<QSize>("size");
    std::vector<QSize> sizes{QSize(800, 600), QSize(1600, 1000), QSize(2560, 1440)};
    if (const qreal scale = qApp->devicePixelRatio(); scale > 1) // a window of as many pixels of the screen
        for (const QSize size : {sizes[1], sizes[2]})
            sizes.push_back((QSizeF(size) / scale).toSize());
    for (const char *situation : {"all-green", "long-names", "redis-down", "backlog", "one-instance-hangs"})
        for (const QSize size : sizes)
            QTest::addRow("%s %d x %d", situation, size.width(), size.height()) << QString(situation) << size;
}

void FitTest::textsFit()
{
    QFETCH(QString, situation);
    QFETCH(QSize, size);
    Console console({.situation = situation.toStdString()});
    console.theme.setMode(Theme::Mode::Light);
    console.window->resize(size);
    const bool tightest = size == QSize(800, 600);
    QStringList problems;
    for (const PageEntry &entry : pageTable()) {
        console.window->openPage(entry.id);
        console.tick();
        QCOMPARE(console.window->size(), size);
        problems << problemsOf(*console.window, entry.id);
        if (tightest) { // a theme has colours only
            console.theme.setMode(Theme::Mode::Dark);
            Console::settle();
            problems << problemsOf(*console.window, entry.id);
            console.theme.setMode(Theme::Mode::Light);
        }
    }
    problems.removeDuplicates();
    QVERIFY2(problems.isEmpty(), qPrintable(problems.join("\n    ")));
}

void FitTest::cardsOfTheOverviewAreFull()
{
    QFETCH(QString, situation);
    QFETCH(QSize, size);
    Console console({.situation = situation.toStdString()});
    console.window->resize(size);
    console.window->openPage("overview");
    console.tick();
    QStringList empty;
    for (Card *card : console.window->page()->findChildren<Card *>())
        if (card->isVisible())
            if (const double used = usedPart(*card); used < 0.5)
                empty << QString("%1 (%2 x %3): %4 % used")
                             .arg(card->findChild<QLabel *>()->text())
                             .arg(card->width())
                             .arg(card->height())
                             .arg(int(used * 100));
    QVERIFY2(empty.isEmpty(), qPrintable(empty.join("\n    ")));
}

QTEST_MAIN(FitTest)
#include "fit_test.moc"
