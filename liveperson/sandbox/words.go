package sandbox

// tongue is a language's stock of sentences. "#" stands for a number.
type tongue struct {
	code, customer  string
	asks, answers   []string
	greeting, close string
}

// languageOf spreads a draw from 0 to 99 over the languages: mostly English.
func languageOf(percent int) int {
	switch {
	case percent < 40:
		return 0
	case percent < 55:
		return 1
	case percent < 66:
		return 2
	case percent < 77:
		return 3
	case percent < 85:
		return 4
	case percent < 93:
		return 5
	}
	return 6
}

var tongues = []tongue{
	{
		code: "en-US", customer: "Customer",
		asks: []string{
			"Hello, my order # has not arrived yet, and the tracking page shows nothing new since Monday.",
			"The invoice lists # twice. Could you please check what went wrong, and correct the amount?",
			"I would like to change the delivery address of order # before it leaves your warehouse.",
			"The device restarts every few minutes since the last update. The serial number is #.",
			"My card number is 4111 1111 1111 1111, please use that one for order # instead.",
			"Thanks 👍 that works now. One more thing: can I return the second item of order #?",
			"Is there a way to get the statement for account # by mail, as it was last year?",
			"I have waited for # minutes; is anybody there? The shop told me to write to you.",
		},
		answers: []string{
			"Thank you for waiting. I can see order # here, and it left our warehouse this morning.",
			"I am sorry about that. I have opened ticket # for you and my colleague will look into it today.",
			"Could you please confirm the postcode, so that I can find contract # in our system?",
			"I have corrected the amount. You will get the new invoice # within two working days.",
			"Please switch the device off, wait for ten seconds, and read me the code # on the label.",
			"You can return it within thirty days; the label for return # is in your account now.",
		},
		greeting: "Welcome! How can we help you today?", close: "Thank you, goodbye. 🙂",
	},
	{
		code: "de-DE", customer: "Kundin",
		asks: []string{
			"Guten Tag, meine Bestellung # ist noch nicht angekommen. Können Sie bitte nachsehen?",
			"Auf der Rechnung # stimmt die Höhe des Betrags nicht, es wurden zwei Geräte berechnet.",
			"Ich möchte die Lieferadresse für Auftrag # ändern: Große Straße 5, nicht Schöne Gasse.",
			"Das Gerät startet seit der Aktualisierung ständig neu, die Seriennummer lautet #.",
			"Danke schön! 😀 Und wie lange dauert die Rücksendung von Auftrag # ungefähr?",
		},
		answers: []string{
			"Vielen Dank für Ihre Geduld. Auftrag # hat heute früh unser Lager verlassen.",
			"Das tut mir leid. Ich habe Vorgang # angelegt, wir melden uns bis übermorgen bei Ihnen.",
			"Könnten Sie mir bitte die Postleitzahl bestätigen, damit ich Vertrag # öffnen kann?",
			"Ich habe den Betrag geändert, die neue Rechnung # kommt in zwei Werktagen.",
		},
		greeting: "Herzlich willkommen! Wie können wir helfen?", close: "Danke, auf Wiederhören.",
	},
	{
		code: "fr-FR", customer: "Client",
		asks: []string{
			"Bonjour, ma commande # n’est toujours pas arrivée, pourriez-vous vérifier s’il vous plaît ?",
			"La facture # a été débitée deux fois, c’est gênant à la fin du mois.",
			"J’aimerais changer l’adresse de livraison de la commande # avant l’expédition.",
			"Merci beaucoup ! Où puis-je déposer le colis de retour # ? 📦",
		},
		answers: []string{
			"Merci de votre patience. La commande # a quitté notre entrepôt ce matin.",
			"Je suis désolée. J’ai créé le dossier #, un collègue vous répondra dès demain.",
			"Pouvez-vous me confirmer le code postal du contrat # ?",
		},
		greeting: "Bienvenue ! Comment pouvons-nous vous aider ?", close: "Merci, à bientôt.",
	},
	{
		code: "es-ES", customer: "Cliente",
		asks: []string{
			"Buenos días, mi pedido # todavía no ha llegado. ¿Pueden comprobarlo, por favor?",
			"En la factura # aparece el mismo artículo dos veces, ¿qué ha pasado?",
			"Quisiera cambiar la dirección del pedido # antes de mañana. ¡Gracias!",
			"El aparato se apaga solo desde anoche; el número de serie es #.",
		},
		answers: []string{
			"Gracias por esperar. El pedido # salió de nuestro almacén esta mañana.",
			"Lo siento mucho. He abierto la incidencia # y mañana le llamará un compañero.",
			"¿Me confirma el código postal del contrato #, por favor?",
		},
		greeting: "¡Bienvenido! ¿En qué podemos ayudarle?", close: "Gracias, hasta pronto.",
	},
	{
		code: "he-IL", customer: "לקוח",
		asks: []string{
			"שלום, ההזמנה # שלי עדיין לא הגיעה. אפשר לבדוק בבקשה?",
			"בחשבונית # מופיע אותו פריט פעמיים, מה קרה?",
			"אני רוצה לשנות את הכתובת של הזמנה # לפני המשלוח.",
		},
		answers: []string{
			"תודה על הסבלנות. הזמנה # יצאה מהמחסן הבוקר.",
			"אני מצטער. פתחתי פנייה מספר # ונחזור אליך מחר.",
			"אפשר לאשר את המיקוד של חוזה #?",
		},
		greeting: "ברוכים הבאים! איך אפשר לעזור?", close: "תודה ולהתראות.",
	},
	{
		code: "ar-AE", customer: "عميل",
		asks: []string{
			"مرحبا، طلبي رقم # لم يصل حتى الآن، هل يمكنكم التحقق من فضلكم؟",
			"الفاتورة # تحتوي على نفس المنتج مرتين، ماذا حدث؟",
			"أريد تغيير عنوان التوصيل للطلب # قبل الشحن.",
		},
		answers: []string{
			"شكرا لصبرك. غادر الطلب # مستودعنا هذا الصباح.",
			"أنا آسف لذلك. فتحت التذكرة # وسيتصل بك زميلي غدا.",
			"هل يمكنك تأكيد الرمز البريدي للعقد #؟",
		},
		greeting: "أهلا وسهلا! كيف يمكننا مساعدتك؟", close: "شكرا، مع السلامة.",
	},
	{
		code: "ja-JP", customer: "お客様",
		asks: []string{
			"こんにちは。注文番号#の商品がまだ届きません。確認していただけますか。",
			"請求書#に同じ商品が二回載っています。どうしてでしょうか。",
			"注文#のお届け先を変更したいです。よろしくお願いします🙏",
		},
		answers: []string{
			"お待たせいたしました。注文#は今朝倉庫から出荷されました。",
			"申し訳ございません。受付番号#で担当者が確認いたします。",
			"契約#の郵便番号を教えていただけますか。",
		},
		greeting: "ようこそ!ご用件をお聞かせください。", close: "ありがとうございました。",
	},
}

// hostile are texts and names that break careless software.
var hostile = []string{
	"line\r\nBcc: everyone@example.net\r\n\r\nbody", "nul\x00inside", "\x1b[31mred\x1b[0m \a\b\x7f",
	"right\u202eto\u2066left\u2069", "lone \xed\xa0\x80 high", "lone \xed\xb0\x80 low", "]]><!--<script>alert(1)</script>-->",
	"=HYPERLINK(\"http://example.org\",\"x\")", "+1+1", "@SUM(A1:A9)", "\tTab\vVT\fFF", "dot\r\n.\r\nQUIT\r\n", "\nFrom here on",
	"../../etc/passwd", `"}]},"seq":99`, "\u2028\u2029\u0085", "\ufeffbom \ufffe \uffff", "e\u0301\u0327\u0489 zalgo",
	"👩\u200d👩\u200d👧\u200d👦 family", "&amp;&lt;&#0;", `back\slash\u0041`, " leading and trailing ", "=?utf-8?q?=00?=", "${HOME} %s %n {{.}}",
}
